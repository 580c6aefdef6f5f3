// Package keytable maps task keys to values that live in the table itself. It
// takes the place of a map where a million keys are held: the index has no
// pointers, so the garbage collector passes over it, and values lie side by side
// in the order in which they were added.
package keytable

import (
	"hash/maphash"
	"iter"

	"github.com/gdask/gdask/sdk/wire"
)

// slabSize is how many values are allocated at once. A slab is given back when
// all its values have been removed and nobody points to any.
const slabSize = 32

// leastEntries is the size of the smallest index; it is a power of two.
const leastEntries = 16

// Table maps keys to values. It has one owner at a time. Pointers to values stay
// good after their removal; the memory of a value is not used for another.
type Table[V any] struct {
	key     func(*V) wire.Key
	seed    maphash.Seed
	entries []entry // probed linearly; the length is a power of two
	shift   uint    // of a hash to its first entry
	n       int
	slabs   []*slab[V] // nil where free
	free    []uint32   // numbers of slabs that may be used again
	current uint32     // the slab that new values go to
	used    uint32     // values of it that are taken
}

// entry is where a value is, if at is not 0.
type entry struct{ hash, at uint32 }

type slab[V any] struct {
	values [slabSize]V
	live   int
}

// New makes an empty table of values that know their keys.
func New[V any](key func(*V) wire.Key) *Table[V] {
	t := &Table[V]{key: key, seed: maphash.MakeSeed(), used: slabSize}
	t.index(leastEntries)
	return t
}

// Len is the number of keys.
func (t *Table[V]) Len() int { return t.n }

// Get returns the value of a key, or nil.
func (t *Table[V]) Get(k wire.Key) *V {
	if at := t.entries[t.find(t.hash(k), k)].at; at != 0 {
		return t.value(at)
	}
	return nil
}

// Add returns a new value for a key, which takes the place of an earlier one.
// The caller gives the value its key before it uses the table again.
func (t *Table[V]) Add(k wire.Key) *V {
	if 4*(t.n+1) > 3*len(t.entries) {
		t.index(2 * len(t.entries))
	}
	h := t.hash(k)
	e := &t.entries[t.find(h, k)]
	if e.at == 0 {
		t.n++
	} else {
		t.drop(e.at)
	}
	*e = entry{h, t.place()}
	return t.value(e.at)
}

// Remove takes a value out; it reports false when its key has no or another value.
func (t *Table[V]) Remove(v *V) bool {
	k := t.key(v)
	i := t.find(t.hash(k), k)
	at := t.entries[i].at
	if at == 0 || t.value(at) != v {
		return false
	}
	t.drop(at)
	t.close(i)
	if t.n--; len(t.entries) > leastEntries && 8*t.n < len(t.entries) {
		t.index(len(t.entries) / 2)
	}
	return true
}

// All yields the values in no particular order. The table must not change meanwhile.
func (t *Table[V]) All() iter.Seq[*V] {
	return func(yield func(*V) bool) {
		for _, e := range t.entries {
			if e.at != 0 && !yield(t.value(e.at)) {
				return
			}
		}
	}
}

// Part yields about n values from a place on, and where the next part begins: 0
// after the last one. The first part begins at 0. When the table has changed
// between parts, some values may be missed and others come twice.
func (t *Table[V]) Part(from, n int) (part iter.Seq[*V], next int) {
	from = min(max(from, 0), len(t.entries))
	end := min(from+max(n, 1), len(t.entries))
	if end < len(t.entries) {
		next = end
	}
	entries := t.entries[from:end]
	return func(yield func(*V) bool) {
		for _, e := range entries {
			if e.at != 0 && !yield(t.value(e.at)) {
				return
			}
		}
	}, next
}

func (t *Table[V]) hash(k wire.Key) uint32 { return uint32(maphash.String(t.seed, string(k)) >> 32) }

func (t *Table[V]) value(at uint32) *V { return &t.slabs[at/slabSize].values[at%slabSize] }

// find is the index of a key's entry, or of the free one where it belongs.
func (t *Table[V]) find(h uint32, k wire.Key) int {
	mask := len(t.entries) - 1
	for i := int(h >> t.shift); ; i = (i + 1) & mask {
		e := t.entries[i]
		if e.at == 0 || e.hash == h && t.key(t.value(e.at)) == k {
			return i
		}
	}
}

// close frees an entry and moves those behind it that would not be found any more.
func (t *Table[V]) close(i int) {
	mask := len(t.entries) - 1
	for j := (i + 1) & mask; t.entries[j].at != 0; j = (j + 1) & mask {
		first := int(t.entries[j].hash >> t.shift)
		if (j-first)&mask >= (j-i)&mask {
			t.entries[i] = t.entries[j]
			i = j
		}
	}
	t.entries[i] = entry{}
}

// index makes the index anew with so many entries.
func (t *Table[V]) index(size int) {
	old := t.entries
	t.entries, t.shift = make([]entry, size), 32
	for n := size; n > 1; n /= 2 {
		t.shift--
	}
	for _, e := range old {
		if e.at == 0 {
			continue
		}
		i := int(e.hash >> t.shift)
		for t.entries[i].at != 0 {
			i = (i + 1) & (size - 1)
		}
		t.entries[i] = e
	}
}

// place takes room for a value. Place 0, which means none, is never given away.
func (t *Table[V]) place() uint32 {
	if t.used == slabSize {
		t.nextSlab()
	}
	t.slabs[t.current].live++
	t.used++
	return t.current*slabSize + t.used - 1
}

func (t *Table[V]) nextSlab() {
	t.release(t.current)
	if end := len(t.free) - 1; end >= 0 {
		t.current, t.free = t.free[end], t.free[:end]
	} else {
		t.current = uint32(len(t.slabs))
		t.slabs = append(t.slabs, nil)
	}
	t.slabs[t.current], t.used = new(slab[V]), 0
	if t.current == 0 {
		t.used = 1
	}
}

func (t *Table[V]) drop(at uint32) {
	n := at / slabSize
	t.slabs[n].live--
	if n != t.current {
		t.release(n)
	}
}

// release gives back a slab without values.
func (t *Table[V]) release(n uint32) {
	if int(n) < len(t.slabs) && t.slabs[n] != nil && t.slabs[n].live == 0 {
		t.slabs[n] = nil
		t.free = append(t.free, n)
	}
}
