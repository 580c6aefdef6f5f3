package storage

import (
	"sync/atomic"
	"time"
)

// Activity is something that takes time or moves bytes. Its String is Dask's name.
type Activity int

// What is measured.
const (
	DiskRead Activity = iota
	DiskWrite
	Serialize
	Deserialize
	Compress
	Decompress
	activities
)

var activityNames = [activities]string{"disk-read", "disk-write", "serialize", "deserialize", "compress", "decompress"}

// String is Dask's name of the activity.
func (a Activity) String() string { return activityNames[a] }

// Meter adds up activities.
type Meter struct {
	sums [activities]struct{ count, bytes, nanos atomic.Int64 }
}

func newMeter() *Meter { return &Meter{} }

// Add counts one activity.
func (m *Meter) Add(a Activity, bytes int64, took time.Duration) {
	s := &m.sums[a]
	s.count.Add(1)
	s.bytes.Add(bytes)
	s.nanos.Add(int64(took))
}

// Sum is what one activity came to so far.
type Sum struct {
	Activity     Activity
	Count, Bytes int64
	Took         time.Duration
}

// Sums are all activities.
func (m *Meter) Sums() []Sum {
	out := make([]Sum, activities)
	for a := range out {
		s := &m.sums[a]
		out[a] = Sum{Activity(a), s.count.Load(), s.bytes.Load(), time.Duration(s.nanos.Load())}
	}
	return out
}
