package workerrt

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// maxDump bounds the text of all goroutines' stacks.
const maxDump = 64 << 20

// goroutineID is the number of the calling goroutine in stack dumps. A slot asks
// once in its life.
func goroutineID() uint64 {
	var space [64]byte
	id, _ := headerID(string(space[:runtime.Stack(space[:], false)]))
	return id
}

// headerID reads "goroutine 7 [running]: ...".
func headerID(header string) (uint64, bool) {
	rest, ok := strings.CutPrefix(header, "goroutine ")
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, " ")
	id, err := strconv.ParseUint(number, 10, 64)
	return id, err == nil
}

// createdBy reads the number of the goroutine that started the one of this stack.
func createdBy(stack string) (uint64, bool) {
	i := strings.LastIndex(stack, "\ncreated by ")
	if i < 0 {
		return 0, false
	}
	line, _, _ := strings.Cut(stack[i+1:], "\n")
	_, rest, ok := strings.Cut(line, " in ")
	if !ok {
		return 0, false
	}
	return headerID(rest)
}

// dumpGoroutines are the stacks of all goroutines of the process.
func dumpGoroutines() []string {
	for n := 1 << 20; ; n *= 2 {
		b := make([]byte, n)
		if got := runtime.Stack(b, true); got < n || n >= maxDump {
			return splitDump(b[:got])
		}
	}
}

func splitDump(dump []byte) []string {
	var stacks []string
	for part := range bytes.SplitSeq(dump, []byte("\n\n")) {
		stacks = append(stacks, strings.TrimSpace(string(part)))
	}
	return stacks
}

// stacksOf picks the stacks of some goroutines, each with those of the goroutines
// that it has started, directly or not, and that still run.
func stacksOf(dump []string, ids map[uint64]bool) map[uint64][]string {
	own, parent := map[uint64]string{}, map[uint64]uint64{}
	var order []uint64
	for _, s := range dump {
		id, ok := headerID(s)
		if !ok {
			continue
		}
		own[id] = s
		order = append(order, id)
		if p, ok := createdBy(s); ok {
			parent[id] = p
		}
	}
	out := map[uint64][]string{}
	for id := range ids {
		if s := own[id]; s != "" {
			out[id] = append(out[id], s)
		}
	}
	for _, id := range order {
		for p, ok := parent[id]; ok && !ids[id]; p, ok = parent[p] {
			if ids[p] {
				out[p] = append(out[p], own[id])
				break
			}
		}
	}
	return out
}

// callStacks are what the running tasks among keys (nil: all) do at this moment:
// a goroutine's stack each, the task's own first.
func (w *Worker) callStacks(keys map[wire.Key]bool) map[wire.Key][]string {
	running := w.exec.goroutines()
	ids := map[uint64]bool{}
	for _, id := range running {
		ids[id] = true
	}
	stacks := stacksOf(dumpGoroutines(), ids)
	still := w.exec.goroutines()
	out := map[wire.Key][]string{}
	for j, id := range running {
		now, runs := still[j]
		if s := stacks[id]; len(s) > 0 && runs && now == id && (keys == nil || keys[j.key]) {
			out[j.key] = s
		}
	}
	return out
}
