package dump

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"go.yaml.in/yaml/v3"

	"github.com/gdask/gdask/sdk/wire"
)

// sample is {("x", 1): {"a": [1, "b", nil, inf, bytes]}}.
func sample() []byte {
	b := msgp.AppendMapHeader(nil, 1)
	b = append(b, wire.TupleKey(wire.StrKey("x"), wire.IntKey(1))...)
	b = msgp.AppendString(msgp.AppendMapHeader(b, 1), "a")
	b = msgp.AppendArrayHeader(b, 5)
	b = msgp.AppendNil(msgp.AppendString(msgp.AppendInt(b, 1), "b"))
	return msgp.AppendBytes(msgp.AppendFloat64(b, math.Inf(1)), []byte{1, 2})
}

const sampleText = "map[('x', 1):map[a:[1 b <nil> +Inf AQI=]]]"

func TestFormats(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "msgpack", sample()); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(z); err != nil || !bytes.Equal(raw, sample()) {
		t.Errorf("msgpack: %q, %v", raw, err)
	}
	for format, read := range map[string]func([]byte, any) error{"yaml": yaml.Unmarshal, "json": json.Unmarshal} {
		b.Reset()
		if err := Write(&b, format, sample()); err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := read(b.Bytes(), &v); err != nil || fmt.Sprint(v) != sampleText {
			t.Errorf("%s: %v, %v", format, v, err)
		}
	}
}

func TestFileNames(t *testing.T) {
	for _, c := range [][4]string{
		{"d", "", "d.msgpack.gz", "msgpack"}, {"d", "yaml", "d.yaml", "yaml"}, {"d.yaml", "", "d.yaml", "yaml"},
		{"d.json", "", "d.json", "json"}, {"d.msgpack.gz", "msgpack", "d.msgpack.gz", "msgpack"}, {"d.json", "yaml", "d.json.yaml", "yaml"},
	} {
		if name, format, err := File(c[0], c[1]); name != c[2] || format != c[3] || err != nil {
			t.Errorf("%s as %q: %s, %s, %v", c[0], c[1], name, format, err)
		}
	}
	if _, _, err := File("d", "xml"); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Error(err)
	}
}

func TestCreateLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "d.json")
	if err := Create(Anywhere{}, path, "json", []byte{0x91}); err == nil { // a list without its element
		t.Error("a broken value was written")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := Create(root, "../d.json", "json", sample()); err == nil {
		t.Error("a dump left its directory")
	}
	if err := Create(root, "d.json", "json", sample()); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample())
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = Decode(b) })
}
