// A worker in Go, written from docs/standards/ alone: it answers requests with
// their body, and sockets with what they say. For tests.
//
//	go run . <folder of the scripts> <prefix> <address> [<address> ...]
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const chunkSize = 1 << 16

var queues = []string{
	"http.request", "http.disconnect", "websocket.connect", "websocket.receive", "websocket.disconnect",
}

func main() {
	if err := loadScripts(os.Args[1]); err != nil {
		panic(err)
	}
	l := newLayer(os.Args[2], os.Args[3:])
	for _, s := range l.shards {
		// A message from each shard can be handled at once: none has to wait.
		go l.work(s)
		go s.keepTime()
		go s.beat()
		go l.workJobs(s)
	}
	go l.leave()
	fmt.Println("ready")
	select {}
}

// keepTime asks for the time every minute.
func (s *shard) keepTime() {
	for {
		time.Sleep(time.Minute)
		s.say(call("hello", []string{s.base + "statistics", s.base + "w:"}, token(), statistics, newest))
	}
}

func (l *layer) work(s *shard) {
	var c *connection
	pause := 50 * time.Millisecond
	for turn := 0; ; turn++ {
		var err error
		if c == nil {
			c, err = s.open()
		}
		var queue string
		var content message
		if err == nil {
			first := turn % len(queues)
			queue, content, err = s.receive(append(append([]string{}, queues[first:]...), queues[:first]...), waitFor, c)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			if c != nil {
				c.socket.Close()
				c = nil
			}
			time.Sleep(pause)
			if pause *= 2; pause > 2*time.Second {
				pause = 2 * time.Second
			}
			continue
		}
		pause = 50 * time.Millisecond
		if queue == "" {
			continue
		}
		reply, isName := text(content, "reply_channel")
		if !isName || !channelName.MatchString(reply) || len(reply) > 99 {
			s.count("malformed", queue)
			continue
		}
		// Requests may take long; what sockets say has an order.
		if queue == "http.request" {
			go l.answer(reply, content)
		} else {
			l.converse(queue, reply, content)
		}
	}
}

// text returns what a message has under a key, as text.
func text(content message, key string) (string, bool) {
	switch value := content[key].(type) {
	case string:
		return value, true
	case []byte:
		return string(value), true
	}
	return "", false
}

func (l *layer) answer(reply string, content message) {
	body, _ := content["body"].([]byte)
	if channel, isName := text(content, "body_channel"); isName {
		rest, complete := l.readBody(channel)
		if !complete {
			return
		}
		body = append(body, rest...)
	}
	path, _ := text(content, "path")
	response := message{
		"status":  200,
		"headers": []interface{}{[]interface{}{[]byte("content-type"), []byte("application/octet-stream")}},
	}
	if strings.HasSuffix(path, "/stream") {
		for len(body) > chunkSize {
			response["content"], response["more_content"] = body[:chunkSize], true
			if l.sendPatiently(reply, response) != nil {
				return
			}
			body, response = body[chunkSize:], message{}
		}
		delete(response, "more_content")
	}
	response["content"] = body
	l.sendPatiently(reply, response)
}

// readBody returns the rest of a body, and whether it came to its end.
func (l *layer) readBody(channel string) (body []byte, complete bool) {
	s := l.shardOf(channel)
	c, err := s.open()
	if err != nil {
		return nil, false
	}
	defer c.socket.Close()
	for begun := time.Now(); time.Since(begun) < lifetime*time.Millisecond; {
		_, chunk, err := s.receive([]string{channel}, waitFor, c)
		if err != nil {
			return nil, false
		}
		if chunk == nil {
			continue
		}
		if closed, _ := chunk["closed"].(bool); closed {
			return nil, false
		}
		content, _ := chunk["content"].([]byte)
		body = append(body, content...)
		if more, _ := chunk["more_content"].(bool); !more {
			return body, true
		}
		begun = time.Now()
	}
	return nil, false
}

// sendPatiently waits for room for a while.
func (l *layer) sendPatiently(channel string, content message) error {
	pause := 10 * time.Millisecond
	for begun := time.Now(); ; time.Sleep(pause) {
		err := l.send(channel, content)
		if err != errFull || time.Since(begun) > 30*time.Second {
			return err
		}
		if pause *= 2; pause > time.Second {
			pause = time.Second
		}
	}
}

func (l *layer) converse(queue, reply string, content message) {
	switch queue {
	case "websocket.connect":
		l.sendPatiently(reply, message{"accept": true})
	case "websocket.receive":
		if data, isBytes := content["bytes"].([]byte); isBytes {
			l.sendPatiently(reply, message{"bytes": data})
		} else if data, isText := text(content, "text"); isText {
			l.sendPatiently(reply, message{"text": data})
		}
	}
}
