// Package actor is how objects that live on one worker are reached from
// everywhere else: the handle that travels in their place, and the calls of
// their methods over Dask's operations actor_execute and actor_attribute.
package actor
