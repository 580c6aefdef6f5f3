// Package config makes the typed configuration of gdask from layers. From low
// to high:
//
//  1. defaults, as in [Default]
//  2. Dask's own files and DASK_* variables, of which the part below
//     "distributed" is read, leniently: what gdask does not know is passed over
//  3. gdask's files of the system, then of the user
//  4. files named with --config, in their order
//  5. environment variables: GDASK_CLUSTER__N_WORKERS is cluster.n-workers
//  6. flags
//  7. values set in code
//
// Mappings merge, other values replace. "-" and "_" are the same in keys. A key
// that does not exist is an error that names its file and the nearest key. The
// package reads what [Sources] name and nothing else.
package config
