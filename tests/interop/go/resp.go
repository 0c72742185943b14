package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"
)

// A server's error, which is a reply like others.
type refusal string

func (r refusal) Error() string { return string(r) }

// How long a command may take that doesn't block.
const patience = 10 * time.Second

// One connection that speaks RESP2.
type connection struct {
	socket net.Conn
	reader *bufio.Reader
}

func dial(address string) (*connection, error) {
	socket, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return &connection{socket, bufio.NewReaderSize(socket, 1<<16)}, nil
}

// isOpen says whether the server has not closed the connection by now: what is
// written to one that it has may not be repeated on another.
func (c *connection) isOpen() bool {
	raw, err := c.socket.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	open := false
	raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// Nothing is due, so bytes that are there are no good sign either.
		open = err == syscall.EAGAIN
		return true
	})
	return open
}

// say sends commands in one write and returns a reply for each.
func (c *connection) say(blocks time.Duration, commands ...[]interface{}) ([]interface{}, error) {
	var data []byte
	for _, command := range commands {
		data = append(data, fmt.Sprintf("*%d\r\n", len(command))...)
		for _, part := range command {
			var value []byte
			switch part := part.(type) {
			case []byte:
				value = part
			case string:
				value = []byte(part)
			default:
				value = []byte(fmt.Sprint(part))
			}
			data = append(data, fmt.Sprintf("$%d\r\n", len(value))...)
			data = append(append(data, value...), "\r\n"...)
		}
	}
	c.socket.SetDeadline(time.Now().Add(blocks + patience))
	if _, err := c.socket.Write(data); err != nil {
		return nil, err
	}
	replies := make([]interface{}, len(commands))
	for index := range replies {
		reply, err := c.read()
		if err != nil {
			return nil, err
		}
		replies[index] = reply
	}
	return replies, nil
}

// read returns []byte, int64, []interface{}, refusal, or nil.
func (c *connection) read() (interface{}, error) {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errors.New("not RESP")
	}
	kind, rest := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return []byte(rest), nil
	case '-':
		return refusal(rest), nil
	}
	number, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == ':':
		return number, nil
	case number < 0:
		return nil, nil
	case kind == '$':
		data := make([]byte, number+2)
		if _, err := io.ReadFull(c.reader, data); err != nil {
			return nil, err
		}
		return data[:number], nil
	case kind == '*':
		items := make([]interface{}, number)
		for index := range items {
			if items[index], err = c.read(); err != nil {
				return nil, err
			}
		}
		return items, nil
	}
	return nil, errors.New("not RESP")
}
