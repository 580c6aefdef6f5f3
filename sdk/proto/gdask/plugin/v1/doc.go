// Package pluginv1 is generated from plugin.proto: version 1 of the contract of
// every plugin process.
package pluginv1
