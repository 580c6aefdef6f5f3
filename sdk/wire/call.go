package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"syscall"

	"github.com/tinylib/msgp/msgp"
)

// RemoteError is a failure that the peer reports for a request.
type RemoteError struct {
	Op, Address              string
	ExceptionText, Traceback string
	Exception                Opaque
}

// Error implements error.
func (e *RemoteError) Error() string {
	text := e.ExceptionText
	if text == "" {
		text = e.Exception.Text()
	}
	return fmt.Sprintf("%s on %s: %s", e.Op, e.Address, text)
}

// Call sends one request on a connection of the caller's and decodes the answer.
func (c *Conn) Call(req Msg, reply Body) error {
	return call(c, c.nc.RemoteAddr().String(), req, reply)
}

// CallRaw is Call with the answer unread.
func (c *Conn) CallRaw(req Msg) (Opaque, error) {
	return callRaw(c, c.nc.RemoteAddr().String(), req)
}

func call(c *Conn, address string, req Msg, into Body) error {
	got, err := callRaw(c, address, req)
	if err != nil || into == nil {
		return err
	}
	if err := DecodeBody(got, into); err != nil {
		return fmt.Errorf("wire: answer to %q from %s: %w", req.Op(), address, err)
	}
	return nil
}

// DecodeBody reads a reply or a message that came as an Opaque, encoded or by
// reference, into a struct.
func DecodeBody(o Opaque, into Body) error {
	if o.Ref != nil && len(o.Raw) == 0 {
		return assign(into, o.Ref)
	}
	d := newDecoder()
	d.part(o)
	rest, err := d.decode(o.Raw, into)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("wire: %d bytes behind the value", len(rest))
	}
	return err
}

// assign copies an answer that came by reference.
func assign(into Body, got any) error {
	dst, src := reflect.ValueOf(into), reflect.ValueOf(got)
	if dst.Type() == src.Type() {
		dst.Elem().Set(src.Elem())
		return nil
	}
	body, ok := got.(Body)
	if !ok {
		return fmt.Errorf("wire: a %T came where a %T is due", got, into)
	}
	o, err := BodyOpaque(body)
	if err != nil {
		return err
	}
	return DecodeBody(o, into)
}

func callRaw(c *Conn, address string, req Msg) (Opaque, error) {
	if err := c.Send(req); err != nil {
		return Opaque{}, err
	}
	if c.values != nil {
		v, err := c.values.RecvValue()
		if err != nil {
			return Opaque{}, eof(err)
		}
		r, ok := v.(reply)
		if !ok {
			return Opaque{}, fmt.Errorf("wire: %T instead of an answer to %q from %s", v, req.Op(), address)
		}
		if f, ok := r.value.(*Failure); ok {
			return Opaque{}, f.remote(req.Op(), address)
		}
		return refOpaque(r.value), nil
	}
	b, err := c.next()
	if err != nil {
		return Opaque{}, fmt.Errorf("wire: answer to %q from %s: %w", req.Op(), address, err)
	}
	defer c.reader.forget()
	if isFailure(b) {
		return Opaque{}, c.decoder.failure(b, req.Op(), address)
	}
	in, err := c.decoder.raw(b)
	return in.Raw, err
}

// isFailure recognises {"status": "uncaught-error", ...}.
func isFailure(b []byte) bool {
	if msgp.NextType(b) != msgp.MapType {
		return false
	}
	status := fieldOf(b, "status")
	if !isStr(status) {
		return false
	}
	s, _, err := msgp.ReadStringZC(status)
	return err == nil && string(s) == "uncaught-error"
}

func (d *decoder) failure(b []byte, op, address string) error {
	var f Failure
	if _, err := d.decode(b, &f); err != nil {
		return &RemoteError{Op: op, Address: address, ExceptionText: "a failure that cannot be read: " + err.Error()}
	}
	return f.remote(op, address)
}

// isDead recognises the errors of a kept connection whose peer went away.
func isDead(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
