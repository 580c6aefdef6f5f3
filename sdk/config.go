package sdk

import "github.com/gdask/gdask/sdk/internal/strictjson"

// DecodeConfig decodes a plugin's configuration, a JSON object, on top of the
// defaults that into, a pointer to a struct, already holds. A field that does
// not exist is an error that names it and the nearest one that does. Empty data
// leaves the defaults.
func DecodeConfig(data []byte, into any) error { return strictjson.Decode(data, into) }
