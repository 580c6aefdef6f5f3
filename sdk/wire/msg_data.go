package wire

// UpdateData (client or scheduler to worker, RPC "update_data") gives a worker
// values that no task of its own made.
type UpdateData struct {
	Data   DataMap `msg:"data"`
	Report bool    `msg:"report,omitempty"`
}

// UpdateDataReply answers it with the sizes of the values as the worker sees them.
type UpdateDataReply struct {
	Status string   `msg:"status"`
	Nbytes KeySizes `msg:"nbytes"`
}
