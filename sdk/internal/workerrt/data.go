package workerrt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// take stores values that were brought here, while there is a session. Between
// two of them it refuses: a registration under way has told already what is here.
func (w *Worker) take(items []state.Item) (ok bool) {
	w.inbox.do(func() {
		if ok = w.stream.Load() != nil; ok {
			w.apply(&state.UpdateData{Items: items})
		}
	})
	return ok
}

// updateData stores scattered values.
func (w *Worker) updateData(data wire.DataMap) any {
	items := make([]state.Item, len(data))
	reply := &wire.UpdateDataReply{Status: "OK", Nbytes: make(wire.KeySizes, len(data))}
	for i := range data {
		items[i] = itemOf(data[i].Key, data[i].Value)
		reply.Nbytes[i] = wire.KeySize{Key: data[i].Key, Nbytes: items[i].Nbytes}
	}
	if !w.take(items) {
		return wire.FailureOf(fmt.Errorf("worker %s has no connection with its scheduler at the moment, so it takes no values; send them again", w.address))
	}
	return reply
}

// startGather copies values from a peer. The scheduler may say meanwhile that
// the peer is gone; without that a frozen peer is given up after a time that
// its bytes justify.
func (w *Worker) startGather(g state.Gather) {
	patience := transferPatience + time.Duration(float64(g.Nbytes)/slowestTransfer*float64(time.Second))
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	w.gathers[g.Peer] = cancel
	w.wg.Go(func() {
		e := w.gather(ctx, g.Peer, g.Keys)
		w.inbox.post(func() {
			cancel()
			delete(w.gathers, g.Peer)
			w.apply(e)
		})
	})
}

func (w *Worker) gather(ctx context.Context, peer string, keys []wire.Key) *state.Gathered {
	e := &state.Gathered{Peer: peer, Keys: keys}
	start := time.Now()
	reply, err := w.pool.GetData(ctx, peer, &wire.GetData{Keys: keys, Who: w.address})
	var remote *wire.RemoteError
	switch {
	case errors.As(err, &remote) && len(keys) > 1: // one of them cannot be sent: which?
		return w.gatherEach(ctx, e)
	case errors.As(err, &remote):
		w.logs.Warn("a peer cannot send a value", "peer", peer, "key", keys[0].String(), "error", err)
		e.Items = []state.Item{{Key: keys[0], Err: err}}
		return e
	case err != nil:
		e.Err = err
		if w.ctx.Err() == nil {
			w.logs.Warn("a peer is taken for gone", "peer", peer, "keys", len(keys), "error", err)
		}
		return e
	case reply.Status == "busy":
		e.Busy = true
		return e
	}
	took, nbytes := time.Since(start), int64(0)
	e.Start, e.Stop = unixSeconds(start), unixSeconds(start.Add(took))
	e.Items = make([]state.Item, len(reply.Data))
	for i := range reply.Data {
		e.Items[i] = itemOf(reply.Data[i].Key, reply.Data[i].Value)
		nbytes += e.Items[i].Nbytes
	}
	w.speed.add(nbytes, took)
	w.totals.transfersIn.Add(1)
	return e
}

// gatherEach asks for keys one by one, so that one that the peer cannot send does
// not keep the others from coming.
func (w *Worker) gatherEach(ctx context.Context, e *state.Gathered) *state.Gathered {
	for i := range e.Keys {
		one := w.gather(ctx, e.Peer, e.Keys[i:i+1])
		e.Items = append(e.Items, one.Items...)
		if e.Busy, e.Err = one.Busy, one.Err; e.Busy || e.Err != nil {
			break
		}
	}
	return e
}

// gatherFrom copies keys on request of the scheduler and returns those that
// could not be had.
func (w *Worker) gatherFrom(ctx context.Context, whoHas wire.KeyAddresses) (missing []wire.Key) {
	left := make(map[string][]wire.Key)
	rest := make(map[wire.Key][]string)
	for _, k := range whoHas {
		if len(k.Addresses) == 0 {
			missing = append(missing, k.Key)
			continue
		}
		left[k.Addresses[0]] = append(left[k.Addresses[0]], k.Key)
		rest[k.Key] = k.Addresses[1:]
	}
	for len(left) > 0 {
		next := make(map[string][]wire.Key)
		for peer, keys := range left {
			for _, k := range w.copyFrom(ctx, peer, keys) {
				if len(rest[k]) == 0 {
					missing = append(missing, k)
					continue
				}
				next[rest[k][0]] = append(next[rest[k][0]], k)
				rest[k] = rest[k][1:]
			}
		}
		left = next
	}
	return missing
}

// copyFrom copies keys from one peer, waiting while it is busy, and returns
// those that did not come.
func (w *Worker) copyFrom(ctx context.Context, peer string, keys []wire.Key) (absent []wire.Key) {
	var e *state.Gathered
	for {
		e = w.gather(ctx, peer, keys)
		if !e.Busy || ctx.Err() != nil {
			break
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	if !w.take(e.Items) {
		return keys
	}
	came := make(map[wire.Key]bool, len(e.Items))
	for i := range e.Items {
		came[e.Items[i].Key] = true
	}
	for _, k := range keys {
		if !came[k] {
			absent = append(absent, k)
		}
	}
	return absent
}
