# SPDX-License-Identifier: MPL-2.0
# As by_name_ctypes.py, with Perl's FFI::Platypus, through ZMQ::FFI.
use strict;
use warnings;
use ZMQ::FFI;
use ZMQ::FFI::Constants qw(ZMQ_PUSH ZMQ_PULL ZMQ_LAST_ENDPOINT);
$| = 1;
my $context = ZMQ::FFI->new();
my ($push, $pull, $lonely) = map { $context->socket($_) } ZMQ_PUSH, ZMQ_PULL, ZMQ_PUSH;
$pull->bind('tcp://127.0.0.1:*');
$push->connect($pull->get(ZMQ_LAST_ENDPOINT, 'string'));
$lonely->connect('ipc://@nobody');
$lonely->send('hello') for 1 .. 20;
for (1 .. $ARGV[0]) { $push->send('hello'); die unless $pull->recv() eq 'hello'; }
print "ready\n";
my @rest = <STDIN>;
for ($push, $pull, $lonely) { $_->set_linger(0); $_->close(); print "closed\n"; }
$context->destroy();
print "ended\n";
