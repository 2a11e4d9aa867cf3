// OrderLoop: the thread that receives and orders. Shell of Orderer, owner of the append socket.
//
//   append ROUTER ─► Orderer ─► WriteLoop ─► Orderer ─► acks ─► append ROUTER
//                                                   └─► PublishLoop, SharedState (reads, heads)
// The store's own facts and the operator's commands are decided here too. run() is the thread; it
// ends when it is told to, when a write fails, or when another process has this identity.
#pragma once

#include <optional>
#include <string>

#include "bus/events/clock.h"
#include "bus/events/refusal_counter.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "bus/wire/mailbox.h"
#include "bus/wire/socket.h"
#include "eventstore/order/orderer.h"
#include "eventstore/service/author_routes.h"
#include "eventstore/service/own_author.h"
#include "eventstore/service/publish_loop.h"
#include "eventstore/service/shared_state.h"
#include "eventstore/service/write_loop.h"

namespace keytrail::eventstore {

// Somebody was turned away at a socket of another thread.
struct RefusedKnock {
  std::string socket, reason, address;
};

// What reaches the ordering thread from others.
struct OrderMail {
  wire::Mailbox<wire::CommandMessage> commands{wire::kOpenCommandsMax};
  wire::Mailbox<RefusedKnock> refused{1024};
  wire::Mailbox<std::string> failures{16};  // of another thread: sentences that end the store
};

// What the ordering thread works with. All outlive it.
struct OrderParts {
  wire::Context& context;
  Orderer& orderer;
  OwnAuthor& own;
  WriteLoop& writer;
  PublishLoop& publisher;
  SharedState& shared;
  OrderMail& mail;
  wire::CommandServer& commands;
  const Clock& clock;
  std::string log_id;          // hexadecimal
  std::string checkpoint_key;  // public, hexadecimal
};

// The keys that the ZAP handler lets in: all identities, on their sockets.
[[nodiscard]] std::vector<wire::AllowedKey> allow_list(const Identities& identities);

class OrderLoop {
 public:
  OrderLoop(OrderParts parts, wire::Socket append);

  // Until `stop_fd` is readable or a command says stop; kUnavailable, kRefused: why it had to end.
  [[nodiscard]] Result<void> run(int stop_fd);

 private:
  void begin_stop();
  void wait(int stop_fd);
  void take_written();
  void take_appends();
  void take_append(wire::Message& message);
  void take_commands();
  void take_refusals();
  void record_refusals(std::vector<part::RefusalsRepeated> refusals);
  void append_own();
  void carry_out(Orderer::Outputs outputs);
  void send_acks(const Orderer::AcksFor& acks);
  void admit_anew();

  void perform(const wire::CommandMessage& message);
  void record(const wire::CommandMessage& message, const std::string& name,
              Result<IdentityDecision> decision);

  OrderParts parts_;
  wire::Socket append_;
  RefusalCounter refusals_;
  AuthorRoutes routes_;
  bool writing_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;
};

}  // namespace keytrail::eventstore
