package client

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// confirmEvery is after how many messages the client asks whether they came,
// which bounds what it keeps.
const confirmEvery = 64

// unheard is what was said and may not have reached the scheduler: a connection
// that breaks takes with it what is on its way. The scheduler answers heartbeats
// in order with all else, so an answer confirms what was said before that heartbeat.
type unheard struct {
	said  []wire.Msg
	marks []int // how much was said at the heartbeats without answer, oldest first
	sent  int   // of said, by the connection that was lost; the others by none
	since int   // messages since the last heartbeat
}

// keep remembers messages; those that resume repeats anyway are left out.
func (u *unheard) keep(client string, ms []wire.Msg) {
	for _, m := range ms {
		switch m := m.(type) {
		case *wire.HeartbeatClient, *wire.ReportKey:
			continue
		case *wire.ClientDesiresKeys:
			if m.Client == client {
				continue
			}
		}
		u.said = append(u.said, m)
		u.since++
	}
}

// mark notes that a heartbeat was sent.
func (u *unheard) mark() {
	u.marks = append(u.marks, len(u.said))
	u.since = 0
}

// confirm notes the answer to the oldest heartbeat.
func (u *unheard) confirm() {
	if len(u.marks) == 0 {
		return
	}
	n := u.marks[0]
	u.marks = slices.Delete(u.marks, 0, 1)
	for i := range u.marks {
		u.marks[i] -= n
	}
	u.said = slices.Delete(u.said, 0, n)
}

// once says that to say m twice does harm. It is rather not said than twice: an
// event is one line of many, and a part in a queue ends with its client.
func once(m wire.Msg) bool {
	_, event := m.(*wire.LogEvent)
	return event || m.Op() == "queue_release"
}

// repeat says again, on a new connection, what the scheduler may not have heard.
// It may have: a graph's known tasks stay as they are there. c.mu is held.
func (c *Client) repeat() {
	said, sent := c.unheard.said, c.unheard.sent
	c.unheard = unheard{}
	others := desiredByOthers(said, c.id)
	for i, m := range said {
		if i < sent && once(m) {
			continue
		}
		switch old := m.(type) {
		case *wire.UpdateGraph:
			again := *old
			again.Keys = slices.DeleteFunc(slices.Clone(old.Keys), func(k wire.Key) bool { return !c.open(k) && !others[k] })
			if len(again.Keys) > 0 {
				c.say(&again)
			}
		case *wire.ClientReleasesKeys:
			if keys := slices.DeleteFunc(slices.Clone(old.Keys), c.open); len(keys) > 0 {
				c.say(&wire.ClientReleasesKeys{Keys: keys, Client: old.Client})
			}
		default:
			c.say(m)
		}
	}
}

// open says that the client waits for a key's result.
func (c *Client) open(k wire.Key) bool {
	s := c.table.Get(k)
	return s != nil && !s.status.settled()
}

// desiredByOthers are keys that were wished for in another client's name.
func desiredByOthers(said []wire.Msg, id string) map[wire.Key]bool {
	keys := map[wire.Key]bool{}
	for _, m := range said {
		if d, ok := m.(*wire.ClientDesiresKeys); ok && d.Client != id {
			for _, k := range d.Keys {
				keys[k] = true
			}
		}
	}
	return keys
}
