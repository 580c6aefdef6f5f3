package wire

// KeyAddresses maps keys to worker addresses: {key: [address, ...]}.
type KeyAddresses []KeyAddress

// KeyAddress is one entry of KeyAddresses.
type KeyAddress struct {
	Key       Key
	Addresses []string
}

// KeySizes maps keys to bytes: {key: n}.
type KeySizes []KeySize

// KeySize is one entry of KeySizes.
type KeySize struct {
	Key    Key
	Nbytes int64
}

// KeySet is a collection of keys: an array, or {"__Set__": true, "as-list": [...]} when read.
type KeySet []Key

// DataMap maps keys to values: {key: value}.
type DataMap []DataItem

// DataItem is one entry of DataMap.
type DataItem struct {
	Key   Key
	Value Opaque
}

// Resources maps resource names to amounts; nil travels as nil.
type Resources map[string]float64

// Duration is seconds. Python may send a number or a text such as "100 ms".
type Duration float64

// Number is a msgpack integer, float or nil (0).
type Number float64

// Metrics are a worker's figures; fields that Python sends and gdask does not
// read are kept in Raw.
type Metrics struct {
	CPU         float64 // per cent of one core
	Memory      int64   // resident bytes of the process, or the worker's share of them
	Managed     int64   // bytes of task results held, in memory or on disk
	SpilledMem  int64   // bytes of those on disk, as they were in memory
	SpilledDisk int64   // bytes of their files
	Executing   int     // tasks in these states
	LongRunning int
	Ready       int
	Fetching    int
	Missing     int
	InMemory    int // or on disk
	Transfer    Transfer
	Bandwidth   float64 // bytes per second
	Tick        float64 // seconds between two looks at the process's memory
	FDs         int     // open file descriptors
	Time        float64 // of these figures, Unix seconds
	Net, Disk   Rates   // of the whole host
	Raw         []byte  // the whole msgpack map as it came
	// Extra are figures of the user's own by name, beside Dask's: simple values.
	Extra map[string]any
}

// Rates are bytes per second.
type Rates struct{ Read, Write float64 }

// Transfer are a worker's exchanges of data with its peers.
type Transfer struct {
	InBytes, OutBytes           int64 // of those under way
	InCount, OutCount           int   // of those under way
	InCountTotal, OutCountTotal int64 // since the worker's start
}

// Priority orders tasks; smaller runs first. Dask's triple is (-user priority,
// generation, order within the graph); workers append a counter of their own.
type Priority []float64
