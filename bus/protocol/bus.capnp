# The binary messages of the append and live sockets: a public interface (bus/README.md).
#
# Append only, like event.capnp: new fields at the end, none renumbered or removed. Facts never pass
# through here: their bodies are Data going in, and travel as blobs (message_codec.h) going out.
# The order of topics: eventstore.change, eventstore.note, kms.change, kms.note, vcenter.change,
# vcenter.note, esxi.change, esxi.note (these are the topics of facts), kms.sealed, head.
@0xd8f2c6c1a4b09e37;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("keytrail::protocol::encoded");

# append, author to store
struct AppendBatch {
  epoch @0 :UInt64;
  units @1 :List(Unit);
}
struct Unit {
  n @0 :UInt64;
  guards @1 :List(Guard);
  bodies @2 :List(Data);
  attachments @3 :List(Attachment);
}
struct Guard {
  stream @0 :Text;
  version @1 :UInt64;
}
struct Attachment {
  kind @0 :Kind;
  bytes @1 :Data;
  enum Kind { clear @0; sealed @1; }
}

# append, store to author
struct Acks {
  acks @0 :List(Ack);
}
struct Ack {
  epoch @0 :UInt64;
  n @1 :UInt64;
  outcome @2 :Outcome;
  first @3 :UInt64;
  count @4 :UInt32;
  failed @5 :List(FailedGuard);
  hint @6 :Text;
  leaf @7 :Data;  # accepted: of the last fact, 32 bytes
  enum Outcome { accepted @0; conflict @1; fenced @2; invalid @3; }
}
struct FailedGuard {
  stream @0 :Text;
  version @1 :UInt64;
  lastChange @2 :UInt64;
}

# live: in front of the facts of one batch on one topic
struct BatchHeader {
  generation @0 :UInt64;
  previous @1 :UInt64;  # last position on this topic before
  first @2 :UInt64;     # of the whole batch
  last @3 :UInt64;      # = the durable head
  count @4 :UInt32;     # facts in this message
  topics @5 :UInt16;    # one bit a topic, in their order: which the batch has
  before @6 :List(UInt64);  # last position on each topic of facts before this batch
}

# live: topic "head"
struct Head {
  generation @0 :UInt64;
  durableHead @1 :UInt64;
  logTime @2 :UInt64;     # ns, UTC
  last @3 :List(UInt64);  # on each topic of facts
  leaf @4 :Data;          # of the durable head, 32 bytes
}
