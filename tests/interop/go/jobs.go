package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// An acknowledged channel (section 17 of the transport standard), as the jobs of
// tests/conformance/ want it: "n" of a message is sent to the channel "to", and
// one with "fail" fails.
const (
	jobChannel = "conformance.jobs"
	jobOptions = "100 0 3 10"
	holdFor    = 10 * time.Second
	noticed    = 5 * time.Second
	diedStory  = `{"error":"the readers died"}`
)

var (
	process = "go-" + token() // Never used again: section 12.1.
	ending  int32
	ended   = make(chan struct{}, 100)
	beating sync.Mutex
)

func isEnding() bool {
	return atomic.LoadInt32(&ending) == 1
}

// rest waits, and returns how long to wait the next time: section 13.
func rest(pause time.Duration) time.Duration {
	time.Sleep(pause)
	if pause < time.Second {
		return 2 * pause
	}
	return 2 * time.Second
}

// beat says that the process lives (12.1), and has the messages of those that
// don't received again (17.4).
func (s *shard) beat() {
	facts, _ := json.Marshal(message{
		"name": process, "kind": "worker", "host": "localhost", "pid": os.Getpid(), "version": "1",
		"started": float64(time.Now().UnixNano()) / 1e9, "facts": message{"channels": []string{jobChannel}},
	})
	go s.recoverOthers()
	for wasListed := false; ; time.Sleep(5 * time.Second) {
		// Nobody unlocks it once this process has left.
		beating.Lock()
		replies, err := s.say(call("beat", []string{s.base + "processes", s.base + "facts"}, process, facts, 300000))
		beating.Unlock()
		if err != nil {
			continue
		}
		if wasListed && replies[0].(int64) == 0 {
			// The shard may have lost something: hello.lua knows.
			if c, err := s.open(); err == nil {
				c.socket.Close()
			}
		}
		wasListed = true
	}
}

func (s *shard) recoverOthers() {
	for ; !isEnding(); time.Sleep(2 * time.Second) {
		s.say(call(
			"recover", []string{s.base + "statistics", s.base + "processes"},
			12000, 1000, statistics, diedStory, process, s.generationNow(),
		))
	}
}

// leave ends the process: first nothing is held any more, since what a process
// holds that isn't listed is given to others.
func (l *layer) leave() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	atomic.StoreInt32(&ending, 1)
	for begun, left := time.Now(), len(l.shards); left > 0 && time.Since(begun) < holdFor; {
		for _, s := range l.shards {
			key := s.base + "w:" + process
			s.say([]interface{}{"RPUSH", key, 1}, []interface{}{"PEXPIRE", key, 2000})
		}
		select {
		case <-ended:
			left--
		case <-time.After(time.Second):
		}
	}
	beating.Lock()
	for _, s := range l.shards {
		s.say([]interface{}{"ZREM", s.base + "processes", process}, []interface{}{"HDEL", s.base + "facts", process})
	}
	os.Exit(0)
}

// A reader of one shard, which holds one message at a time.
type jobReader struct {
	*layer
	*shard
	connection *connection
	due        int64     // when the next one is due, and so the next wait over; or 0
	doubtful   time.Time // until when the server may say that more is held
	took       bool
}

func (l *layer) workJobs(s *shard) {
	r := &jobReader{layer: l, shard: s}
	pause := 50 * time.Millisecond
	for !isEnding() {
		err := r.turn()
		if err == nil {
			pause = 50 * time.Millisecond
			continue
		}
		fmt.Fprintln(os.Stderr, err)
		if r.connection != nil {
			r.connection.socket.Close()
			r.connection = nil
		}
		r.doubtful = time.Now().Add(noticed)
		pause = rest(pause)
	}
	ended <- struct{}{}
}

// ask says one command on the reader's own connection.
func (r *jobReader) ask(command ...interface{}) (interface{}, error) {
	replies, err := r.sayOn(r.connection, 0, command)
	if err != nil {
		return nil, err
	}
	if refused, isRefused := replies[0].(refusal); isRefused {
		return nil, refused
	}
	return replies[0], nil
}

// turn waits for a message, and works on it: section 17.2.
func (r *jobReader) turn() (err error) {
	if r.connection == nil {
		r.connection, err = r.open()
	}
	if err != nil {
		return err
	}
	wait := waitFor
	holder := fmt.Sprintf("%s~%d", process, r.generationNow())
	if time.Now().Before(r.doubtful) {
		wait = time.Second
		if err := r.releaseUnknown(holder); err != nil {
			return err
		}
	}
	if until := time.Duration(r.due-r.now()) * time.Millisecond; r.due > 0 && until < wait {
		wait = until
	}
	if wait < 10*time.Millisecond {
		wait = 10 * time.Millisecond // Never 0, which would be without end.
	}
	commands := r.counted()
	if r.took {
		// So that a server that went back is noticed: section 6.1.
		commands = append(commands, call("received", []string{r.base + "p:" + jobChannel, r.base + "statistics"}))
	}
	taking := len(commands)
	commands = append(commands, call(
		"take", []string{r.base + "statistics", r.base + "w:" + process},
		holder, 1, r.now()+wait.Milliseconds(), jobChannel, jobOptions,
	))
	seconds, bell := fmt.Sprintf("%.3f", wait.Seconds()), r.base+"n:"+jobChannel
	waiting := []interface{}{"BLPOP", r.base + "w:" + process, bell, seconds}
	if r.popsManyNow() {
		waiting = []interface{}{"BLMPOP", seconds, 2, r.base + "w:" + process, bell, "LEFT", "COUNT", 1}
	}
	replies, err := r.sayOn(r.connection, wait, append(commands, waiting)...)
	if err != nil {
		return err
	}
	for _, reply := range replies {
		if refused, isRefused := reply.(refusal); isRefused && err == nil {
			err = refused
		}
	}
	if r.took && err == nil {
		r.clock.Lock()
		r.mark = later(r.mark, replies[taking-1])
		r.clock.Unlock()
	}
	r.took, r.due = false, 0
	answer, isList := replies[taking].([]interface{})
	if !isList {
		return err
	}
	r.due, _ = strconv.ParseInt(string(answer[0].([]byte)), 10, 64)
	held := answer[2].([]interface{})
	for index := 0; index+1 < len(held); index += 2 {
		r.took = true
		if failed := r.handle(holder, string(held[index].([]byte)), held[index+1].([]byte)); failed != nil {
			return failed
		}
	}
	return err
}

// releaseUnknown gives up what an answer said that never came: section 17.2.
// Nothing is held between two turns, so all of it is unknown.
func (r *jobReader) releaseUnknown(holder string) error {
	// Others come back later, and may tell that the server went back.
	if err := r.greet(r.connection); err != nil {
		return err
	}
	tokens, err := r.ask("HKEYS", r.base+"t:"+jobChannel+":"+holder)
	if err != nil {
		return err
	}
	for _, held := range tokens.([]interface{}) {
		if err := r.postpone(holder, string(held.([]byte)), "release", 0, ""); err != nil {
			return err
		}
	}
	return nil
}

func (r *jobReader) postpone(holder, token, action string, delay int, problem string) error {
	story, _ := json.Marshal(message{"error": problem})
	arguments := []interface{}{holder, jobChannel, token, action, delay, 0, story}
	_, err := r.patiently(call("postpone", []string{r.base + "statistics"}, arguments...))
	return err
}

// patiently says again what the answer of isn't known: section 17.3.
func (r *jobReader) patiently(command []interface{}) (reply interface{}, err error) {
	pause := 50 * time.Millisecond
	for begun := time.Now(); time.Since(begun) < holdFor; pause = rest(pause) {
		var replies []interface{}
		if replies, err = r.say(command); err == nil {
			return replies[0], nil
		}
	}
	return nil, err
}

func (r *jobReader) handle(holder, token string, record []byte) error {
	if isEnding() {
		return r.postpone(holder, token, "release", 0, "")
	}
	// deliveries (2), priority (1), sent (8), size of the unique key (2).
	entry := record[13+int(binary.BigEndian.Uint16(record[11:])):]
	content, counter := r.readKept(entry)
	if counter == "lost" {
		if _, err := r.ask("PING"); err != nil {
			return err // Pieces that can't be asked for now are not lost.
		}
	}
	if counter != "" {
		r.count(counter, jobChannel)
		return r.postpone(holder, token, "bury", 0, counter)
	}
	to, _ := text(content, "to")
	if !channelName.MatchString(to) || len(to) > 99 || !strings.Contains(to, "!") {
		return r.postpone(holder, token, "bury", 0, "no client to send to")
	}
	if fails, _ := content["fail"].(bool); fails {
		return r.postpone(holder, token, "retry", 100, "told to fail")
	}
	return r.finish(holder, token, to, message{"n": content["n"]})
}

// finish sends what comes of a message, and acknowledges it, by one call where
// that can be: section 17.3.
func (r *jobReader) finish(holder, token, channel string, content message) error {
	queue, client := split(channel)
	command := call("acknowledge", []string{r.base + "statistics"}, holder, jobChannel, 1, token)
	if r.shardOf(queue) != r.shard {
		if err := r.sendPatiently(channel, content); err != nil {
			return r.postpone(holder, token, "retry", 1000, err.Error())
		}
	} else {
		keys, room, clientRoom := r.sendingTo(queue)
		command = append(command, "s", keys[0], keys[2], lifetime, room, countedAs(queue), statistics, clientRoom)
		command = append(command, 1, r.entry(1, client, pack(nil, content)))
	}
	answer, err := r.patiently(command)
	if _, isFull := answer.([]byte); isFull && err == nil {
		return r.postpone(holder, token, "retry", 1000, "a channel was full")
	}
	return err
}
