package wire

// Failure answers a request that failed.
type Failure struct {
	Status        string `msg:"status"` // "uncaught-error"
	Exception     Opaque `msg:"exception"`
	Traceback     Opaque `msg:"traceback"`
	ExceptionText string `msg:"exception_text"`
	TracebackText string `msg:"traceback_text"`
}

// EachOpaque implements Carrier.
func (z *Failure) EachOpaque(f func(*Opaque)) {
	f(&z.Exception)
	f(&z.Traceback)
}

func (z *Failure) remote(op, address string) *RemoteError {
	return &RemoteError{Op: op, Address: address, ExceptionText: z.ExceptionText, Traceback: z.TracebackText, Exception: z.Exception}
}

// FailureOf is the answer that reports err. Its exception is err's own pickle
// when err has one (see [Pickler]), else its text, which Python raises as an Exception.
func FailureOf(err error) *Failure {
	f := &Failure{Status: "uncaught-error", ExceptionText: err.Error(), Exception: StringOpaque(err.Error())}
	if p, ok := err.(Pickler); ok {
		f.Exception = BytesOpaque(p.Pickle())
	}
	return f
}

// Pickler is an error with a Python exception of its own.
type Pickler interface{ Pickle() []byte }
