// Package service is the gRPC side of a plugin process: the base service of
// every plugin and the services of the kinds, as adapters around what the
// author wrote.
package service

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Reasons that travel with an error, so that the host can tell them apart.
const (
	ReasonConfig   = "CONFIG"   // the configuration is wrong
	ReasonStart    = "START"    // the worker could not join
	ReasonStop     = "STOP"     // the worker did not end in time
	ReasonClosing  = "CLOSING"  // the plugin is shutting down
	ReasonPanic    = "PANIC"    // the author's code panicked
	ReasonNotFound = "NOTFOUND" // no worker of that identity
)

// Domain is the domain of the reasons.
const Domain = "gdask"

// failure makes a gRPC error of err with a reason.
func failure(code codes.Code, reason string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		code = codes.DeadlineExceeded
	}
	st, detailErr := status.New(code, err.Error()).WithDetails(&errdetails.ErrorInfo{Domain: Domain, Reason: reason})
	if detailErr != nil {
		return status.Error(code, err.Error())
	}
	return st.Err()
}

// RecoverUnary turns a panic of the author's code into an error with the stack:
// a bad call must not end the process.
func RecoverUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (reply any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return next(ctx, req)
}

// RecoverStream is RecoverUnary for streams.
func RecoverStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return next(srv, ss)
}

func panicked(p any) error {
	return failure(codes.Internal, ReasonPanic, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
}
