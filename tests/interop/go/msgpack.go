package main

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// A byte string is []byte, text string, an integer int64, a list
// []interface{}, and a dictionary message.
type message = map[string]interface{}

const maxDepth = 100

var errMalformed = errors.New("malformed")

func pack(data []byte, value interface{}) []byte {
	long := func(data []byte, kind byte, size uint64) []byte {
		return binary.BigEndian.AppendUint32(append(data, kind), uint32(size))
	}
	switch value := value.(type) {
	case nil:
		return append(data, 0xc0)
	case bool:
		if value {
			return append(data, 0xc3)
		}
		return append(data, 0xc2)
	case int:
		return pack(data, int64(value))
	case int64:
		if value >= -32 && value < 128 {
			return append(data, byte(value))
		}
		return binary.BigEndian.AppendUint64(append(data, 0xd3), uint64(value))
	case float64:
		return binary.BigEndian.AppendUint64(append(data, 0xcb), math.Float64bits(value))
	case string:
		if len(value) < 32 {
			data = append(data, 0xa0|byte(len(value)))
		} else {
			data = long(data, 0xdb, uint64(len(value)))
		}
		return append(data, value...)
	case []byte:
		return append(long(data, 0xc6, uint64(len(value))), value...)
	case []interface{}:
		data = long(data, 0xdd, uint64(len(value)))
		for _, item := range value {
			data = pack(data, item)
		}
		return data
	case message:
		data = long(data, 0xdf, uint64(len(value)))
		for key, item := range value {
			data = pack(pack(data, key), item)
		}
		return data
	}
	panic("not a value of a message")
}

type unpacker struct {
	data []byte
}

// unpack returns the message that data holds.
func unpack(data []byte) (found message, err error) {
	defer func() {
		// Running out of bytes ends here, too.
		if recover() != nil {
			found, err = nil, errMalformed
		}
	}()
	u := unpacker{data}
	found, isMap := u.value(0).(message)
	if !isMap || len(u.data) > 0 {
		return nil, errMalformed
	}
	return found, nil
}

func (u *unpacker) take(size uint64) []byte {
	if size > uint64(len(u.data)) {
		panic(errMalformed)
	}
	taken := u.data[:size]
	u.data = u.data[size:]
	return taken
}

// number reads an unsigned number of some bytes.
func (u *unpacker) number(size uint64) (number uint64) {
	for _, digit := range u.take(size) {
		number = number<<8 | uint64(digit)
	}
	return number
}

func (u *unpacker) text(size uint64) string {
	taken := u.take(size)
	if !utf8.Valid(taken) {
		panic(errMalformed)
	}
	return string(taken)
}

func (u *unpacker) list(size uint64, depth int) interface{} {
	if depth > maxDepth || size > uint64(len(u.data)) {
		panic(errMalformed)
	}
	items := make([]interface{}, size)
	for index := range items {
		items[index] = u.value(depth + 1)
	}
	return items
}

func (u *unpacker) dictionary(size uint64, depth int) interface{} {
	if depth > maxDepth || size > uint64(len(u.data)) {
		panic(errMalformed)
	}
	found := message{}
	for ; size > 0; size-- {
		key, isText := u.value(depth + 1).(string)
		if !isText {
			panic(errMalformed)
		}
		found[key] = u.value(depth + 1)
	}
	return found
}

func (u *unpacker) value(depth int) interface{} {
	kind := uint64(u.take(1)[0])
	switch {
	case kind < 0x80:
		return int64(kind)
	case kind < 0x90:
		return u.dictionary(kind&15, depth)
	case kind < 0xa0:
		return u.list(kind&15, depth)
	case kind < 0xc0:
		return u.text(kind & 31)
	case kind >= 0xe0:
		return int64(int8(kind))
	case kind >= 0xc4 && kind <= 0xc6:
		return append([]byte{}, u.take(u.number(1<<(kind-0xc4)))...)
	case kind >= 0xcc && kind <= 0xcf:
		number := u.number(1 << (kind - 0xcc))
		if number > math.MaxInt64 {
			panic(errMalformed)
		}
		return int64(number)
	case kind >= 0xd0 && kind <= 0xd3:
		size := uint64(1) << (kind - 0xd0)
		unused := 64 - 8*size
		return int64(u.number(size)<<unused) >> unused
	case kind >= 0xd9 && kind <= 0xdb:
		return u.text(u.number(1 << (kind - 0xd9)))
	}
	switch kind {
	case 0xc0:
		return nil
	case 0xc2, 0xc3:
		return kind == 0xc3
	case 0xca:
		return finite(float64(math.Float32frombits(uint32(u.number(4)))))
	case 0xcb:
		return finite(math.Float64frombits(u.number(8)))
	case 0xdc, 0xdd:
		return u.list(u.number(2<<(kind-0xdc)), depth)
	case 0xde, 0xdf:
		return u.dictionary(u.number(2<<(kind-0xde)), depth)
	}
	panic(errMalformed)
}

func finite(value float64) float64 {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		panic(errMalformed)
	}
	return value
}
