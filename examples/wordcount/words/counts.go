package words

import (
	"encoding/binary"
	"errors"
)

// Counts is how often words occur.
type Counts map[string]int64

// add counts the words of data, which ends and begins with whole words.
func (c Counts) add(data []byte) {
	word := make([]byte, 0, 64)
	// Looking words up by []byte makes a string only for new ones.
	tally := make(map[string]*int64, 1024)
	end := func() {
		if n := tally[string(word)]; n != nil {
			*n++
		} else {
			tally[string(word)] = new(int64(1))
		}
		word = word[:0]
	}
	for _, b := range data {
		if s := small(b); s != 0 {
			word = append(word, s)
		} else if len(word) > 0 {
			end()
		}
	}
	if len(word) > 0 {
		end()
	}
	for w, n := range tally {
		c[w] += *n
	}
}

// MarshalBinary writes the counts as length, word, count for each word: much
// faster than the general encoding of maps.
func (c Counts) MarshalBinary() ([]byte, error) {
	data := binary.AppendUvarint(make([]byte, 0, 16*len(c)), uint64(len(c)))
	for w, n := range c {
		data = binary.AppendUvarint(data, uint64(len(w)))
		data = append(data, w...)
		data = binary.AppendVarint(data, n)
	}
	return data, nil
}

var errShort = errors.New("words: encoded counts are cut short")

// UnmarshalBinary reads what MarshalBinary wrote.
func (c *Counts) UnmarshalBinary(data []byte) error {
	n, used := binary.Uvarint(data)
	if used <= 0 || n > uint64(len(data)) { // an entry has at least two bytes
		return errShort
	}
	text := string(data[used:]) // the words share this one string
	counts := make(Counts, n)
	for range n {
		size, used := uvarint(text)
		if used <= 0 || size > uint64(len(text)-used) {
			return errShort
		}
		word := text[used : used+int(size)]
		text = text[used+int(size):]
		times, used := uvarint(text)
		if used <= 0 {
			return errShort
		}
		text = text[used:]
		counts[word] = int64(times>>1) ^ -int64(times&1) // as AppendVarint does
	}
	*c = counts
	return nil
}

// uvarint is binary.Uvarint of a string.
func uvarint(s string) (value uint64, used int) {
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		value |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}
