package wire

import "context"

// CallConfirmed is CallRaw for requests that take something: the peer hears that
// the answer arrived, and puts back what was taken when the call ends before.
func (p *Pool) CallConfirmed(ctx context.Context, address string, req Msg) (Opaque, error) {
	var o Opaque
	err := p.with(ctx, address, req.Op(), func(c *Conn) (err error) {
		if o, err = callRaw(c, address, req); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx) // the caller has gone: the connection ends without a word
		}
		return c.SendValue("OK")
	})
	return o, err
}
