package workerrt

// orderStatus changes the status as the scheduler says: one after the other, by
// a goroutine, because the caller must not wait.
func (w *Worker) orderStatus(status string) {
	w.mu.Lock()
	w.orders = append(w.orders, status)
	first := len(w.orders) == 1
	w.mu.Unlock()
	if first {
		w.wg.Go(w.followOrders)
	}
}

// followOrders works orders off.
func (w *Worker) followOrders() {
	for {
		w.mu.Lock()
		status := w.orders[0]
		// A worker that retires by itself, or goes further, does not come back.
		w.comesBack = w.status == "closing_gracefully" && w.retiring == nil
		w.mu.Unlock()
		w.setStatus(status)
		w.mu.Lock()
		w.comesBack = false
		w.orders = w.orders[1:]
		left := len(w.orders)
		w.mu.Unlock()
		if left == 0 {
			return
		}
	}
}
