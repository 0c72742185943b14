package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The acknowledged channel that is read, its options, and times in ms.
const (
	jobs        = "conformance.jobs"
	jobOptions  = "100 0 3 10"
	remembered  = 300000
	deadAfter   = 12000
	atOnce      = 1000
	recordHead  = 13
	beatEvery   = 5 * time.Second
	lookEvery   = 2 * time.Second
	suspectsFor = 10 * time.Second
)

// What the first part of a holder's name is; never used again.
var process = "go-" + token()

func facts() string {
	host, _ := os.Hostname()
	text, _ := json.Marshal(map[string]interface{}{
		"name": process, "kind": "worker", "host": host, "pid": os.Getpid(), "version": "0",
		"started": time.Now().Unix(), "facts": map[string]interface{}{"channels": []string{jobs}},
	})
	return string(text)
}

func story(reason string) string {
	text, _ := json.Marshal(map[string]string{"error": reason})
	return string(text)
}

// beat says that this process is alive, and looks for those that aren't.
func (s *shard) beat() {
	mine := facts()
	for turn := 0; ; turn++ {
		if turn%5 == 0 {
			s.say(call("beat", []string{s.base + "processes", s.base + "facts"}, process, mine, remembered))
		} else if turn%2 == 0 {
			s.say(call(
				"recover", []string{s.base + "statistics", s.base + "processes"},
				deadAfter, atOnce, statistics, story("Its readers died each time."), process, s.generationNow(),
			))
		}
		time.Sleep(beatEvery / 5)
	}
}

// leave ends this process in order.
func (l *layer) leave() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	for _, s := range l.shards {
		s.say([]interface{}{"ZREM", s.base + "processes", process}, []interface{}{"HDEL", s.base + "facts", process})
	}
	os.Exit(0)
}

func (s *shard) holder() string {
	return process + "~" + strconv.Itoa(s.generationNow())
}

// workJobs holds one message after the other, so it holds nothing while it
// waits.
func (l *layer) workJobs(s *shard) {
	var c *connection
	waking := s.base + "w:" + token()
	due, pause := int64(0), 50*time.Millisecond
	suspect := time.Time{}
	for {
		var err error
		if c == nil {
			c, err = s.open()
		}
		var held []interface{}
		if err == nil && time.Now().Before(suspect) {
			err = s.releaseUnknown()
		}
		if err == nil {
			held, due, err = s.take(c, waking, due)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			if c != nil {
				c.socket.Close()
				c = nil
				// It may hold what it never got.
				suspect = time.Now().Add(suspectsFor)
			}
			time.Sleep(pause)
			if pause *= 2; pause > 2*time.Second {
				pause = 2 * time.Second
			}
			continue
		}
		pause = 50 * time.Millisecond
		for index := 0; index+1 < len(held); index += 2 {
			l.carryOut(s, string(held[index].([]byte)), held[index+1].([]byte))
		}
	}
}

// take holds a message, or waits for one: until something is due, at most. It
// returns what is held, and when the next is due.
func (s *shard) take(c *connection, waking string, due int64) ([]interface{}, int64, error) {
	until := s.now() + waitFor.Milliseconds()
	if due > 0 && due < until {
		until = due
	}
	wait := time.Duration(until-s.now()) * time.Millisecond
	if wait < time.Millisecond {
		// 0 would be without end.
		wait = time.Millisecond
	}
	seconds := strconv.FormatFloat(wait.Seconds(), 'f', 3, 64)
	bell := s.base + "n:" + jobs
	command := []interface{}{"BLPOP", waking, bell, seconds}
	if s.popsManyNow() {
		command = []interface{}{"BLMPOP", seconds, 2, waking, bell, "LEFT", "COUNT", 1}
	}
	take := call("take", []string{s.base + "statistics", waking}, s.holder(), 1, until, jobs, jobOptions)
	replies, err := s.sayOn(c, wait, take, command)
	if err != nil {
		return nil, 0, err
	}
	for _, reply := range replies {
		if refused, isError := reply.(refusal); isError {
			return nil, 0, refused
		}
	}
	answer := replies[0].([]interface{})
	next, _ := strconv.ParseInt(string(answer[0].([]byte)), 10, 64)
	return answer[2].([]interface{}), next, nil
}

// releaseUnknown gives up what is held in this process's name on the shard.
func (s *shard) releaseUnknown() error {
	holder := s.holder()
	replies, err := s.say([]interface{}{"HKEYS", s.base + "t:" + jobs + ":" + holder})
	if err != nil {
		return err
	}
	for _, held := range replies[0].([]interface{}) {
		if err := s.postpone(holder, string(held.([]byte)), "release", 0, ""); err != nil {
			return err
		}
	}
	return nil
}

func (s *shard) postpone(holder, held, action string, delay int, story string) error {
	_, err := s.say(call("postpone", []string{s.base + "statistics"}, holder, jobs, held, action, delay, 0, story))
	return err
}

// carryOut does what a message asks for, and gives it up or acknowledges it.
func (l *layer) carryOut(s *shard, held string, record []byte) {
	holder := s.holder()
	var err error
	content, counter := message(nil), "malformed"
	if len(record) >= recordHead {
		if start := recordHead + int(binary.BigEndian.Uint16(record[11:])); start <= len(record) {
			content, counter = s.readKept(record[start:])
		}
	}
	to, isName := text(content, "to")
	fails, _ := content["fail"].(bool)
	switch {
	case counter != "" || !isName || !channelName.MatchString(to):
		if counter == "" {
			counter = "malformed"
		}
		s.count(counter, jobs)
		err = s.postpone(holder, held, "bury", 0, story(counter))
	case fails:
		err = s.postpone(holder, held, "retry", 0, story("asked to fail"))
	default:
		err = l.acknowledge(s, holder, held, to, message{"n": content["n"]})
	}
	if err != nil {
		// It is held until this process is given up, or looks again.
		fmt.Fprintln(os.Stderr, err)
	}
}

// acknowledge sends what comes of a message, in the same call if it is for a
// channel of the same shard.
func (l *layer) acknowledge(s *shard, holder, held, to string, content message) error {
	arguments := []interface{}{holder, jobs, 1, held}
	if queue, client := split(to); l.shardOf(queue) == s {
		keys, room, clientRoom := s.sendingTo(queue)
		pending := s.base + "acknowledged"
		if len(keys) > 2 {
			pending = keys[2]
		}
		arguments = append(arguments, "s", keys[0], pending, lifetime, room, countedAs(queue), statistics, clientRoom,
			1, s.entry(1, client, pack(nil, content)))
	} else if err := l.sendPatiently(to, content); err != nil {
		return s.postpone(holder, held, "retry", 1000, story(err.Error()))
	}
	command := call("acknowledge", []string{s.base + "statistics"}, arguments...)
	replies, err := s.say(command)
	if err != nil && !strings.Contains(err.Error(), "ERR") {
		// It may have been carried out, and may be said again.
		replies, err = s.say(command)
	}
	if err != nil {
		return err
	}
	if _, isFull := replies[0].([]byte); isFull {
		return s.postpone(holder, held, "retry", 1000, story(errFull.Error()))
	}
	return nil
}
