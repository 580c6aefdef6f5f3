package wire

// IsZero says that the value is absent: the generated code leaves out such a
// field where it is optional.
func (o Opaque) IsZero() bool { return len(o.Raw) == 0 && o.Ref == nil }

// IsZero implements the same for resources: nil is absent, empty is not.
func (z Resources) IsZero() bool { return z == nil }

// IsZero implements the same for sizes.
func (z KeySizes) IsZero() bool { return len(z) == 0 }

// IsZero implements the same for tasks.
func (z TaskDefs) IsZero() bool { return len(z) == 0 }

// IsZero implements the same for addresses.
func (z KeyAddresses) IsZero() bool { return len(z) == 0 }
