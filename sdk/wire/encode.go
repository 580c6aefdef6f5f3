package wire

// EncodeFrames returns m in the frames of the comm protocol, for those who carry
// messages by other means than a Conn. Frame 0 is msgpack whose placeholders
// name the other frames, which are those of m's Opaque fields and not copied. m
// must not be in use elsewhere.
func EncodeFrames(m Msg) ([][]byte, error) {
	frames := [][]byte{nil}
	if c, ok := m.(Carrier); ok {
		c.EachOpaque(func(o *Opaque) {
			if len(o.Frames) > 0 {
				o.base = len(frames)
				frames = append(frames, o.Frames...)
			}
		})
	}
	body, err := appendMsg(nil, m)
	frames[0] = body
	return frames, err
}
