package wire

// UnknownMsg is a message whose op has no Go struct: the whole map, unread.
type UnknownMsg struct {
	Name string
	Map  Opaque
}

// MarshalMsg implements msgp.Marshaler.
func (u *UnknownMsg) MarshalMsg(b []byte) ([]byte, error) { return u.Map.MarshalMsg(b) }

// UnmarshalMsg implements msgp.Unmarshaler.
func (u *UnknownMsg) UnmarshalMsg(b []byte) ([]byte, error) { return u.Map.UnmarshalMsg(b) }

// Msgsize implements msgp.Sizer.
func (u *UnknownMsg) Msgsize() int { return u.Map.Msgsize() }

// Op implements Msg.
func (u *UnknownMsg) Op() string { return u.Name }

// EachOpaque implements Carrier.
func (u *UnknownMsg) EachOpaque(f func(*Opaque)) { f(&u.Map) }
