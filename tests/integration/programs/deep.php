<?php
// SPDX-License-Identifier: MPL-2.0
// As by_name_ctypes.py, with php-zmq, which PHP opens with RTLD_DEEPBIND.
$context = new ZMQContext(1, false);
[$push, $pull, $lonely] = array_map(fn($kind) => new ZMQSocket($context, $kind),
                                    [ZMQ::SOCKET_PUSH, ZMQ::SOCKET_PULL, ZMQ::SOCKET_PUSH]);
$pull->bind('tcp://127.0.0.1:*');
$push->connect($pull->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
$lonely->connect('ipc://@nobody');
for ($i = 0; $i < 20; $i++) $lonely->send('hello');
for ($i = 0; $i < (int)$argv[1]; $i++) { $push->send('hello'); if ($pull->recv() != 'hello') exit(1); }
echo "ready\n";
stream_get_contents(STDIN);
foreach ([$push, $pull, $lonely] as $socket) $socket->setSockOpt(ZMQ::SOCKOPT_LINGER, 0);
echo "end\n";
