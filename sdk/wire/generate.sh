#!/bin/sh
# Generates the msgpack code of the message structs in $1.go and makes its field
# readers lenient (see lenient.go), which the generator has no option for.
set -eu
out="$1_gen.go"
msgp -io=false -tests=false -file "$1.go" -o "$out" >/dev/null
sed -i.bak \
	-e 's/msgp\.ReadStringBytes(/lenientString(/' \
	-e 's/msgp\.ReadFloat64Bytes(/lenientFloat(/' \
	-e 's/msgp\.ReadInt64Bytes(/lenientInt64(/' \
	-e 's/msgp\.ReadIntBytes(/lenientInt(/' \
	-e 's/msgp\.ReadBoolBytes(/lenientBool(/' \
	-e 's/msgp\.ReadArrayHeaderBytes(/lenientArray(/' \
	-e 's/msgp\.Skip(/skip(/' \
	-e 's/msgp\.Require(b, z\.Msgsize())/b/' "$out"
rm "$out.bak"
chmod 644 "$out"
