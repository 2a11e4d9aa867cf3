#include "tests/kms/service/log_twin.h"

#include "bus/secret/check.h"

namespace keytrail::kms::test {

LogTwin::Outcome LogTwin::append(const std::string& author, const protocol::Decision& decision) {
  Outcome outcome;
  for (const protocol::Guard& guard : decision.guards) {
    const Stream& stream = streams_[guard.stream];
    if (stream.version != guard.version) {
      outcome.last_change = std::max(outcome.last_change, stream.last_change);
    }
  }
  if (outcome.last_change != 0) return outcome;
  outcome = {.accepted = true,
             .first = head() + 1,
             .count = static_cast<std::uint32_t>(decision.facts.size())};
  std::size_t attachment = 0;
  for (const Body& body : decision.facts) {
    now += 1'000'000;
    wire::Followed followed;
    followed.fact.body = body;
    Stream& stream = streams_[body.stream];
    if (effect_of(body.event) == Effect::kChange) {
      ++stream.version;
      stream.last_change = head() + 1;
    }
    followed.fact.stamp = {
        .position = head() + 1, .time = now, .version = stream.version, .author = author};
    for (std::size_t i = 0; i < body.attachments.size(); ++i) {
      followed.attachments.push_back(decision.attachments.at(attachment++));
    }
    facts_.push_back(std::move(followed));
  }
  return outcome;
}

Rig::Rig(LogTwin& the_log, ReplicaOptions options)
    : log(the_log), name(options.name), random(std::hash<std::string>()(name)) {
  unlock.bytes = random.secret(32);
  options.certificate.fill(static_cast<std::uint8_t>(100 + name.back()));
  core = std::make_unique<ReplicaCore>(std::move(options));
  core->advance(log.now, log.now);
  core->on(wire::FollowStateChanged{protocol::FollowState::kCatchingUp});
}

void Rig::follow() {
  for (; followed < log.head(); ++followed) core->on(wire::LinkEvent(log.at(followed + 1)));
  core->advance(log.now, log.now);
  core->on(wire::FollowedThrough{followed});
}

void Rig::settle() {
  for (int round = 0; round < 50; ++round) {
    follow();
    if (core->phase() == Phase::kFollowing) log_is(protocol::FollowState::kLive);
    carry_out();
  }
}

void Rig::submit(const Submission& submission) {
  const LogTwin::Outcome outcome = log.append("kms/" + name, submission.decision);
  if (outcome.accepted) {
    core->on(wire::TransactionAccepted{submission.id, outcome.first, outcome.count});
    return;
  }
  follow();  // To where the conflict says, and further.
  core->on(wire::TransactionDecideAgain{submission.id});
}

void Rig::carry_out() {
  Outputs outputs = core->take_outputs();
  for (Response& response : outputs.respond) {
    answers.insert_or_assign(response.connection, std::move(response.bytes));
  }
  for (CommandAnswer& answer : outputs.answer) command_answers[answer.token] = answer.answer;
  for (KeyringAnswer& answer : outputs.keyring_answers) keyring_answers.push_back(answer);
  if (outputs.listener) listener = outputs.listener;
  if (outputs.clients) clients = *outputs.clients;
  if (outputs.end) ended = outputs.end;
  wants_keyring |= outputs.fetch_keyring;
  if (outputs.make_keyring) {
    keyring = keyring::Keyring::create(place(), "c").value();
    core->use(*keyring);
  }
  for (Submission& submission : outputs.submit) {
    if (holds_submissions) {
      held.push_back(std::move(submission));
    } else {
      submit(submission);
    }
  }
  for (const std::uint64_t question : outputs.ask_head) {
    follow();
    core->on(wire::HeadAnswered{question, followed});
  }
  if (outputs.puncture) {
    punctures.push_back(*outputs.puncture);
    if (!holds_punctures) puncture();
  }
}

void Rig::puncture() {
  const PunctureOrder& order = punctures.back();
  KEYTRAIL_CHECK(keyring->puncture(order.leaves, order.through).ok());
  core->on(Punctured{order.through, order.leaves.size(), forgets});
}

void Rig::ask(ConnectionId connection, const kmip::RequestMessage& message,
              std::uint8_t certificate) {
  const SecretBytes bytes = kmip::encode_request(message);
  ask(connection, to_bytes(bytes.read(SecretAccess())), certificate);
}

void Rig::ask(ConnectionId connection, Bytes message, std::uint8_t certificate) {
  Hash hash{};
  hash.fill(certificate);
  answers.erase(connection);
  core->on(
      KmipRequest{.connection = connection,
                  .peer = {.address = "127.0.0.1:1",
                           .certificate = certificate == 0 ? std::nullopt : std::optional(hash),
                           .session = "s"},
                  .bytes = SecretBytes::copy_of(message),
                  .entropy = random.secret(kEntropyBytes)});
}

kmip::ResponseMessage Rig::answer(ConnectionId connection) {
  const SecretBytes& bytes = answers.at(connection);
  return kmip::decode_response(bytes.read(SecretAccess())).value();
}

Answer Rig::command(Command command, const std::string& identity) {
  static CommandToken token = 0;
  ActionId action;
  action.bytes[0] = 7;
  core->on(CommandGiven{++token, identity, "127.0.0.1:2", std::move(command), action});
  settle();
  return command_answers.at(token);
}

}  // namespace keytrail::kms::test
