package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gdask/gdask/core/units"
)

// Duration is written as in "500ms" or "5 minutes"; a bare number is seconds,
// null is 0.
type Duration time.Duration

// String is Go's form of the duration.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText reads what people write; see [units.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := units.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Bytes is an amount of memory or data, as in "64MiB"; a bare number is bytes.
type Bytes int64

// String is the amount with a unit, rounded for people.
func (b Bytes) String() string { return units.FormatBytes(int64(b)) }

// UnmarshalText reads what people write; see [units.ParseBytes].
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := units.ParseBytes(string(text))
	*b = Bytes(v)
	return err
}

// Fraction is a part of something; "false" is 0 and switches off what it is a
// threshold of.
type Fraction float64

var (
	fractionType = reflect.TypeFor[Fraction]()
	durationType = reflect.TypeFor[Duration]()
	bytesType    = reflect.TypeFor[Bytes]()
)

// convert is the decode hook: scalars of files and variables to the fields'
// types. Weak conversions that hide mistakes, such as true for 1, are refused.
func convert(from, to reflect.Type, v any) (any, error) {
	switch {
	case to == durationType || to == bytesType:
		return amount(to, v)
	case to == policiesType:
		return policies(v)
	case to == fractionType:
		return fraction(v)
	case to.Kind() == reflect.Float64:
		return float(v)
	case to.Kind() == reflect.Int:
		return integer(v)
	case to.Kind() == reflect.String:
		return text(v)
	case to.Kind() == reflect.Bool:
		return boolean(v)
	case to.Kind() == reflect.Slice && from.Kind() == reflect.String:
		return list(v.(string)), nil
	}
	return v, nil
}

func amount(to reflect.Type, v any) (any, error) {
	if reflect.TypeOf(v) == to {
		return v, nil
	}
	if off, err := boolean(v); err == nil && off == false && to == bytesType {
		return Bytes(0), nil // Dask writes false for no limit
	}
	s, err := text(v)
	if err != nil {
		return nil, fmt.Errorf("%v (%T) is no amount", v, v)
	}
	if to == durationType {
		var d Duration
		err = d.UnmarshalText([]byte(s.(string)))
		return d, err
	}
	var b Bytes
	err = b.UnmarshalText([]byte(s.(string)))
	return b, err
}

func fraction(v any) (any, error) {
	if f, ok := v.(Fraction); ok {
		return f, nil
	}
	if off, err := boolean(v); err == nil && off == false {
		return Fraction(0), nil
	}
	f, err := float(v)
	if err != nil {
		return nil, fmt.Errorf("%q (%T) is neither a number nor false", fmt.Sprint(v), v)
	}
	return Fraction(f.(float64)), nil
}

func float(v any) (any, error) {
	switch x := v.(type) {
	case float64:
		return x, nil
	case int:
		return float64(x), nil
	case string:
		s := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(x)), ".")
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%q (%T) is no number", fmt.Sprint(v), v)
}

func integer(v any) (any, error) {
	switch x := v.(type) {
	case int:
		return x, nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int(x), nil
		}
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(x)); err == nil {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%q (%T) is no whole number", fmt.Sprint(v), v)
}

func text(v any) (any, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case int, int64, uint64, bool:
		return fmt.Sprint(x), nil
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	}
	return nil, fmt.Errorf("%v (%T) is no text", v, v)
}

func boolean(v any) (any, error) {
	switch x := v.(type) {
	case bool:
		return x, nil
	case string:
		switch strings.ToLower(x) {
		case "true", "yes", "on":
			return true, nil
		case "false", "no", "off":
			return false, nil
		}
	}
	return nil, fmt.Errorf("%q (%T) is neither true nor false", fmt.Sprint(v), v)
}

// list splits "a,b"; environment variables and flags have no other lists.
func list(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
