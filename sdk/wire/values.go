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
	Memory      int64   // resident bytes
	Managed     int64   // bytes of task results held
	SpilledMem  int64
	SpilledDisk int64
	Executing   int
	Ready       int
	InMemory    int
	Bandwidth   float64 // bytes per second
	Raw         []byte  // the whole msgpack map as it came
}

// Priority orders tasks; smaller runs first. Dask's triple is (-user priority,
// generation, order within the graph); workers append a counter of their own.
type Priority []float64
