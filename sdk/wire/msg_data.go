package wire

// UpdateData (RPC "update_data") is two requests of one name. To a worker, from
// clients and the scheduler, it brings values that no task of its own made: Data.
// To the scheduler, from clients, it says who was given such values: the rest.
type UpdateData struct {
	Data   DataMap      `msg:"data"`
	Report bool         `msg:"report,omitempty"`
	WhoHas KeyAddresses `msg:"who_has,omitzero"`
	Nbytes KeySizes     `msg:"nbytes,omitzero"`
	Client string       `msg:"client,omitempty"`
}

// UpdateDataReply answers it with the sizes of the values as the worker sees them.
type UpdateDataReply struct {
	Status string   `msg:"status"`
	Nbytes KeySizes `msg:"nbytes"`
}
