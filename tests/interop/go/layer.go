package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	lifetime        = 60000
	statistics      = 86400000
	capacity        = 100
	processCapacity = 10000
	pieceSize       = 1 << 20
	newest          = 2 // The version of entries that is read.
	grace           = 60000
	waitFor         = 5 * time.Second
)

var (
	errFull     = errors.New("the channel is full")
	channelName = regexp.MustCompile(`^[A-Za-z0-9._-]+([?!][A-Za-z0-9._-]*)?$`)
	clientName  = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)
	identifiers = regexp.MustCompile(`^[A-Za-z0-9]{16}$`)
	began       = time.Now()
	scripts     = map[string]string{}
)

// loadScripts reads the scripts that lie beside the document.
func loadScripts(folder string) error {
	before := map[string][]string{
		"hello": {"mark"}, "received": {"mark"}, "send": {"send_first", "prelude", "sending"}, "release": nil, "forget": nil,
		"beat": nil, "take": {"take_first", "prelude", "acknowledged", "records"},
		"postpone": {"prelude", "acknowledged", "records"}, "recover": {"prelude", "acknowledged", "records"},
		"acknowledge": {"acknowledge_first", "prelude", "sending", "acknowledged", "records"},
	}
	for name, shared := range before {
		for _, part := range append(shared, name) {
			text, err := os.ReadFile(filepath.Join(folder, part+".lua"))
			if err != nil {
				return err
			}
			scripts[name] += string(text)
		}
	}
	return nil
}

func call(name string, keys []string, arguments ...interface{}) []interface{} {
	sum := sha1.Sum([]byte(scripts[name]))
	command := []interface{}{"EVALSHA", hex.EncodeToString(sum[:]), len(keys)}
	for _, key := range keys {
		command = append(command, key)
	}
	return append(command, arguments...)
}

func token() string {
	data := make([]byte, 8)
	if _, err := rand.Read(data); err != nil {
		panic(err)
	}
	return hex.EncodeToString(data)
}

// A shard, and a connection to it for everything that doesn't block.
type shard struct {
	address, base string
	lock          sync.Mutex
	shared        *connection
	clock         sync.Mutex
	offset        int64
	counts        map[string]int
	popsMany      bool
	epoch         string
	// How often the server has lost something.
	generation int
	mark       int64
	run        string
	took       bool
	// Queue -> deadline of what was taken from it last.
	taken map[string]uint64
}

// now returns the server's time in ms.
func (s *shard) now() int64 {
	s.clock.Lock()
	defer s.clock.Unlock()
	return time.Since(began).Milliseconds() + s.offset
}

func (s *shard) count(counter, name string) {
	s.clock.Lock()
	s.counts[counter+":"+countedAs(name)]++
	s.clock.Unlock()
}

func (s *shard) generationNow() int {
	s.clock.Lock()
	defer s.clock.Unlock()
	return s.generation
}

func (s *shard) popsManyNow() bool {
	s.clock.Lock()
	defer s.clock.Unlock()
	return s.popsMany
}

// counted returns the commands that write what was counted.
func (s *shard) counted() (commands [][]interface{}) {
	s.clock.Lock()
	defer s.clock.Unlock()
	for field, number := range s.counts {
		commands = append(commands, []interface{}{"HINCRBY", s.base + "statistics", field, number})
	}
	if len(commands) > 0 {
		commands = append(commands, []interface{}{"PEXPIRE", s.base + "statistics", statistics})
	}
	s.counts = map[string]int{}
	return commands
}

// open returns a new connection that was greeted.
func (s *shard) open() (*connection, error) {
	c, err := dial(s.address)
	if err != nil {
		return nil, err
	}
	return c, s.greet(c)
}

func (s *shard) greet(c *connection) error {
	commands := [][]interface{}{}
	for _, text := range scripts {
		commands = append(commands, []interface{}{"SCRIPT", "LOAD", text})
	}
	s.clock.Lock()
	mark, epoch, run := s.mark, s.epoch, s.run
	s.clock.Unlock()
	asked := time.Since(began).Milliseconds()
	replies, err := c.say(0, append(commands, call(
		"hello", []string{s.base + "statistics", s.base + "w:"}, token(), statistics, newest, mark, epoch, 0, run,
	))...)
	if err != nil {
		return err
	}
	for _, reply := range replies {
		if err, isError := reply.(refusal); isError {
			return err
		}
	}
	answer := replies[len(replies)-1].([]interface{})
	seconds, _ := strconv.ParseInt(string(answer[0].([]byte)), 10, 64)
	microseconds, _ := strconv.ParseInt(string(answer[1].([]byte)), 10, 64)
	s.clock.Lock()
	s.offset = seconds*1000 + microseconds/1000 - asked
	s.popsMany = answer[3].(int64) == 1
	wentBack := answer[7].(int64) == 1
	if found := string(answer[2].([]byte)); found != s.epoch {
		wentBack = s.epoch != ""
		s.epoch, s.mark = found, 0
	}
	if wentBack {
		s.generation++
	}
	s.run = string(answer[6].([]byte))
	s.mark = later(s.mark, answer[5])
	s.clock.Unlock()
	if commands := s.forget(); wentBack && len(commands) > 0 {
		_, err = c.say(0, commands...)
	}
	return err
}

// forget returns the commands that drop what was taken, and may be there again.
func (s *shard) forget() (commands [][]interface{}) {
	now := s.now()
	s.clock.Lock()
	defer s.clock.Unlock()
	for queue, deadline := range s.taken {
		if int64(deadline) > now {
			commands = append(commands, call("forget", []string{s.base + "q:" + queue}, deadline))
		} else {
			delete(s.taken, queue)
		}
	}
	return commands
}

// later returns the later of a mark and one that a script answered, if any.
func later(mark int64, answer interface{}) int64 {
	if text, isText := answer.([]byte); isText {
		if other, err := strconv.ParseInt(string(text), 10, 64); err == nil && other > mark {
			return other
		}
	}
	return mark
}

// sayOn carries out commands on a connection; those whose script is missing
// once more, since they weren't executed.
func (s *shard) sayOn(c *connection, blocks time.Duration, commands ...[]interface{}) ([]interface{}, error) {
	replies, err := c.say(blocks, commands...)
	if err != nil {
		return nil, err
	}
	for index, reply := range replies {
		if err, isError := reply.(refusal); isError && strings.HasPrefix(string(err), "NOSCRIPT") {
			if err := s.greet(c); err != nil {
				return nil, err
			}
			again, err := c.say(blocks, commands[index])
			if err != nil {
				return nil, err
			}
			replies[index] = again[0]
		}
	}
	return replies, nil
}

// say does that on the shared connection; nothing is repeated.
func (s *shard) say(commands ...[]interface{}) ([]interface{}, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.shared != nil && !s.shared.isOpen() {
		s.shared.socket.Close()
		s.shared = nil
	}
	if s.shared == nil {
		c, err := s.open()
		if err != nil {
			return nil, err
		}
		s.shared = c
	}
	replies, err := s.sayOn(s.shared, 0, commands...)
	if err != nil {
		s.shared.socket.Close()
		s.shared = nil
		return nil, err
	}
	for _, reply := range replies {
		if err, isError := reply.(refusal); isError {
			return nil, err
		}
	}
	return replies, nil
}

type layer struct {
	shards []*shard
	turn   int
}

func newLayer(prefix string, addresses []string) *layer {
	l := &layer{}
	for number, address := range addresses {
		base := fmt.Sprintf("%s{%d}:", prefix, number)
		l.shards = append(l.shards, &shard{address: address, base: base, counts: map[string]int{}, taken: map[string]uint64{}})
	}
	return l
}

// place returns which of some shards a number belongs to.
func place(number uint64, shards int) (found int) {
	for following := 0; following < shards; {
		found = following
		number = number*2862933555777941757 + 1
		following = int(float64(found+1) * (float64(1<<31) / float64(number>>33+1)))
	}
	return found
}

// split returns the queue of a channel, and the client.
func split(channel string) (string, string) {
	if end := strings.IndexByte(channel, '!'); end >= 0 {
		return channel[:end+1], channel[end+1:]
	}
	return channel, ""
}

func countedAs(queue string) string {
	if strings.HasSuffix(queue, "!") {
		if dot := strings.LastIndexByte(queue, '.'); dot > 0 {
			return queue[:dot] + "!"
		}
		return queue
	}
	if mark := strings.IndexByte(queue, '?'); mark >= 0 {
		return queue[:mark+1]
	}
	return queue
}

func (l *layer) shardOf(queue string) *shard {
	return l.shards[place(uint64(crc32.ChecksumIEEE([]byte(queue))), len(l.shards))]
}

// send puts a message on a reply channel; errFull if there is no room.
func (l *layer) send(channel string, content message) error {
	queue, client := split(channel)
	s, body, kind := l.shardOf(queue), pack(nil, content), byte(1)
	key := ""
	if len(body) > pieceSize {
		identifier := token()
		key = s.base + "b:" + identifier
		count := uint32(0)
		for start := 0; start < len(body); start += pieceSize {
			end := start + pieceSize
			if end > len(body) {
				end = len(body)
			}
			if _, err := s.say(
				[]interface{}{"HSET", key, count, body[start:end]}, []interface{}{"PEXPIRE", key, lifetime + grace},
			); err != nil {
				return err
			}
			count++
		}
		if _, err := s.say([]interface{}{"HSET", key, "readers", 1}); err != nil {
			return err
		}
		reference := binary.BigEndian.AppendUint64([]byte(identifier), uint64(len(body)))
		body, kind = binary.BigEndian.AppendUint32(reference, count), 1+16
	}
	keys, room, clientRoom := s.sendingTo(queue)
	replies, err := s.say(call(
		"send", keys, lifetime, room, countedAs(queue), statistics, clientRoom, s.entry(kind, client, body),
	))
	if err == nil && replies[0].(int64) == 0 {
		err = errFull
		if key != "" {
			s.say([]interface{}{"UNLINK", key})
		}
	}
	return err
}

// sendingTo returns the keys of a queue that something is sent to, and what it
// and its client have room for.
func (s *shard) sendingTo(queue string) (keys []string, room int, clientRoom interface{}) {
	keys = []string{s.base + "q:" + queue, s.base + "statistics"}
	if strings.HasSuffix(queue, "!") {
		return append(keys, s.base+"p:"+queue), processCapacity, capacity
	}
	return keys, capacity, ""
}

func (s *shard) entry(kind byte, client string, body []byte) []byte {
	entry := binary.BigEndian.AppendUint64([]byte{1, kind}, uint64(s.now()+lifetime))
	entry = append(binary.BigEndian.AppendUint16(entry, uint16(len(client))), client...)
	return append(entry, body...)
}

// read returns the body of an entry that came on a queue without "!", or the
// counter that it is dropped under.
func (s *shard) read(data []byte) (message, string) {
	return s.decode(data, false)
}

// readKept does that for an entry of an acknowledged channel, whose deadline is
// the channel's, and whose pieces are kept.
func (s *shard) readKept(data []byte) (message, string) {
	return s.decode(data, true)
}

func (s *shard) decode(data []byte, isKept bool) (message, string) {
	if len(data) < 12 || data[0] == 0 {
		return nil, "malformed"
	}
	kind, flags := data[1]&15, data[1]&240
	known := byte(16 | 32 | 64)
	if data[0] == 2 {
		known |= 128
	}
	if data[0] > newest || kind < 1 || kind > 3 || flags&^known != 0 {
		return nil, "unsupported"
	}
	isString := flags&128 != 0
	if isString && (kind != 1 || flags&16 == 0) {
		return nil, "malformed"
	}
	size := int(binary.BigEndian.Uint16(data[10:]))
	if len(data) < 12+size {
		return nil, "malformed"
	}
	label, body := data[12:12+size], data[12+size:]
	isMember := kind == 3 && clientName.Match(label) && size > 0 && size < 100
	if !(isMember || kind == 1 && size == 0) {
		return nil, "malformed"
	}
	if !isKept && int64(binary.BigEndian.Uint64(data[2:])) <= s.now() {
		return nil, "expired"
	}
	if flags&(32|64) != 0 {
		return nil, "malformed"
	}
	if flags&16 != 0 {
		var counter string
		if body, counter = s.collect(body, isKept, isString); counter != "" {
			return nil, counter
		}
	}
	content, err := unpack(body)
	if err != nil {
		return nil, "malformed"
	}
	return content, ""
}

func (s *shard) collect(reference []byte, isKept, isString bool) ([]byte, string) {
	if len(reference) != 28 || !identifiers.Match(reference[:16]) {
		return nil, "malformed"
	}
	size, count := binary.BigEndian.Uint64(reference[16:]), binary.BigEndian.Uint32(reference[24:])
	if size > 1<<30 || isString && count != 1 {
		return nil, "malformed"
	}
	key := s.base + "b:" + string(reference[:16])
	if isKept {
		key = s.base + "k:" + string(reference[:16])
	}
	body := bytes.Buffer{}
	for index := uint32(0); index < count; index++ {
		command := []interface{}{"HGET", key, index}
		if isString && !isKept {
			command = []interface{}{"GETDEL", key}
		}
		replies, err := s.say(command)
		if err != nil || replies[0] == nil {
			return nil, "lost"
		}
		body.Write(replies[0].([]byte))
		if uint64(body.Len()) > size {
			return nil, "malformed"
		}
	}
	if !isKept && !isString {
		s.say(call("release", []string{key}))
	}
	if uint64(body.Len()) != size {
		return nil, "malformed"
	}
	return body.Bytes(), ""
}

// receive waits on one shard and hands over one message after the other.
func (s *shard) receive(queues []string, timeout time.Duration, c *connection) (string, message, error) {
	keys := []interface{}{}
	for _, queue := range queues {
		keys = append(keys, s.base+"q:"+queue)
	}
	popsMany := s.popsManyNow()
	command := append([]interface{}{"BLPOP"}, append(keys, int(timeout.Seconds()))...)
	if popsMany {
		command = append([]interface{}{"BLMPOP", int(timeout.Seconds()), len(keys)}, keys...)
		command = append(command, "LEFT", "COUNT", 1)
	}
	commands := s.counted()
	s.clock.Lock()
	took := s.took
	s.took = false
	s.clock.Unlock()
	if took {
		// What was taken must not come again from a server that went back.
		commands = append(commands, call("received", []string{s.base + "p:" + queues[0], s.base + "statistics"}))
	}
	replies, err := s.sayOn(c, timeout, append(commands, command)...)
	if err != nil {
		return "", nil, err
	}
	if took {
		s.clock.Lock()
		s.mark = later(s.mark, replies[len(replies)-2])
		s.clock.Unlock()
	}
	switch reply := replies[len(replies)-1].(type) {
	case refusal:
		return "", nil, reply
	case []interface{}:
		s.clock.Lock()
		s.took = true
		s.clock.Unlock()
		queue := string(reply[0].([]byte))[len(s.base)+2:]
		data, isOne := reply[1].([]byte)
		if !isOne {
			data = reply[1].([]interface{})[0].([]byte)
		}
		if len(data) >= 12 {
			s.clock.Lock()
			s.taken[queue] = binary.BigEndian.Uint64(data[2:])
			full := len(s.taken) > 1000
			s.clock.Unlock()
			if full {
				s.forget()
			}
		}
		content, counter := s.read(data)
		if counter != "" {
			s.count(counter, queue)
			return "", nil, nil
		}
		return queue, content, nil
	}
	return "", nil, nil
}
