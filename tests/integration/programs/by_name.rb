# SPDX-License-Identifier: MPL-2.0
# As by_name_ctypes.py, with Ruby's FFI, through ffi-rzmq.
require 'ffi-rzmq'
$stdout.sync = true
context = ZMQ::Context.new
push, pull, lonely = [ZMQ::PUSH, ZMQ::PULL, ZMQ::PUSH].map { |kind| context.socket(kind) }
endpoint = []
abort unless pull.bind('tcp://127.0.0.1:*') == 0
pull.getsockopt(ZMQ::LAST_ENDPOINT, endpoint)
abort unless push.connect(endpoint[0].delete("\0")) == 0 && lonely.connect('ipc://@nobody') == 0
20.times { abort unless lonely.send_string('hello') == 5 }
text = ''.dup
ARGV[0].to_i.times { abort unless push.send_string('hello') == 5 && pull.recv_string(text) == 5 }
puts 'ready'
$stdin.read
[push, pull, lonely].each { |socket| socket.setsockopt(ZMQ::LINGER, 0); puts socket.close }
puts context.terminate
