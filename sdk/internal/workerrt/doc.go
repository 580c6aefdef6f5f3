// Package workerrt is the runtime under every worker class of the SDK: it joins
// a scheduler, runs tasks in slots, copies inputs from peers, serves results,
// and leaves without losing data.
//
// The decisions are package state's. One goroutine at a time owns that machine:
// whoever brings an event (the reader of the scheduler's stream, a slot with a
// result, an RPC handler) handles it and all that piled up meanwhile; others
// leave their events and go on. So nothing waits for a goroutine to be woken.
package workerrt
