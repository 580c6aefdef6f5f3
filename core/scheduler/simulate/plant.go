package simulate

import (
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// Plant is a defect that is put in on purpose, between the machines: it shows
// that the checkers would find it. A hook that is nil changes nothing.
type Plant struct {
	Name string
	// ToWorker and the others return what goes on its way instead of m.
	ToWorker   func(w *World, to string, m wire.Msg) []state.ToWorker
	FromWorker func(w *World, m wire.Msg) []wire.Msg
	ToClient   func(w *World, m wire.Msg) []wire.Msg
	done       int // how often it changed something
}

func (p *Plant) toWorker(w *World, to string, m wire.Msg) []state.ToWorker {
	if p == nil || p.ToWorker == nil {
		return []state.ToWorker{{Address: to, Msg: m}}
	}
	return p.ToWorker(w, to, m)
}

func (p *Plant) fromWorker(w *World, _ *worker, m wire.Msg) []wire.Msg {
	if p == nil || p.FromWorker == nil {
		return []wire.Msg{m}
	}
	return p.FromWorker(w, m)
}

func (p *Plant) toClient(w *World, m wire.Msg) []wire.Msg {
	if p == nil || p.ToClient == nil {
		return []wire.Msg{m}
	}
	return p.ToClient(w, m)
}

func (p *Plant) flag() string {
	if p == nil {
		return ""
	}
	return " -plant=" + p.Name
}

// Once says whether the defect should show now: every so many opportunities.
func (p *Plant) Once(every int) bool {
	p.done++
	return p.done%every == 0
}
