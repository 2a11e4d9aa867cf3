#include "esxi/disk/nbd_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <thread>

#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/memory_disk_folder.h"
#include "tests/support/temp_folder.h"

namespace keytrail::disk::test {
namespace {

using keytrail::testing::MemoryDiskFolder;

constexpr std::uint64_t kSize = 4 << 20;
constexpr int kPatience_ms = 10'000;

// A client that says exactly what it is told to.
class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int folder = ::open(path.substr(0, path.rfind('/')).c_str(), O_PATH | O_CLOEXEC);
    const std::string near =
        "/proc/self/fd/" + std::to_string(folder) + path.substr(path.rfind('/'));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, near.c_str(), sizeof address.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(folder);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return;
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
  }

  // Fewer bytes only if the server closed, or said nothing for too long.
  Bytes receive(std::size_t size) {
    Bytes bytes(size);
    std::size_t have = 0;
    while (have < size) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, kPatience_ms) <= 0) break;
      const ssize_t got = ::recv(fd_, bytes.data() + have, size - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  bool closed() { return receive(1).empty(); }

  // EXPORT_NAME, the shortest way in.
  void enter() {
    EXPECT_EQ(receive(18).size(), 18u);
    Bytes bytes;
    append_u32(bytes, 3);
    append_u64(bytes, kNbdOptionMagic);
    append_u32(bytes, 1);
    append_u32(bytes, 0);
    send(bytes);
    const Bytes answer = receive(10);
    ASSERT_EQ(answer.size(), 10u);
    EXPECT_EQ(read_u64(answer), kSize);
  }

  static Bytes request(NbdCommand command, std::uint64_t offset, std::uint32_t length,
                       std::uint64_t cookie = 1, std::uint16_t flags = 0) {
    Bytes bytes;
    append_u32(bytes, kNbdRequestMagic);
    append_u16(bytes, flags);
    append_u16(bytes, static_cast<std::uint16_t>(command));
    append_u64(bytes, cookie);
    append_u64(bytes, offset);
    append_u32(bytes, length);
    return bytes;
  }

  NbdError reply(std::uint64_t cookie = 1) {
    const Bytes bytes = receive(kNbdReplyBytes);
    EXPECT_EQ(bytes.size(), kNbdReplyBytes);
    if (bytes.size() != kNbdReplyBytes) return NbdError::kIo;
    EXPECT_EQ(read_u32(bytes), kNbdReplyMagic);
    EXPECT_EQ(read_u64(ByteView(bytes).subspan(8)), cookie);
    return static_cast<NbdError>(read_u32(ByteView(bytes).subspan(4)));
  }

  NbdError call(NbdCommand command, std::uint64_t offset, std::uint32_t length,
                ByteView payload = {}, std::uint16_t flags = 0) {
    Bytes bytes = request(command, offset, length, 1, flags);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    send(bytes);
    return reply();
  }

  [[nodiscard]] bool connected() const { return connected_; }

 private:
  int fd_;
  bool connected_ = false;
};

class NbdServerTest : public ::testing::Test {
 protected:
  NbdServerTest() {
    given_disk(folder_, sample_disk(kSize), sample_key(1));
    disk_ = DiskEngine::open(folder_, "vm-1", sample_key(1).dek.clone()).value();
    server_ = NbdServer::start(path_, "vm-1", *disk_, [this](const Error& error) {
                const std::lock_guard lock(mutex_);
                reported_.push_back(error.detail);
              }).value();
  }

  std::vector<std::string> reported() {
    const std::lock_guard lock(mutex_);
    return reported_;
  }

  keytrail::testing::TempFolder temporary_;
  std::string path_ = temporary_.file("vm.sock");
  MemoryDiskFolder folder_;
  std::mutex mutex_;
  std::vector<std::string> reported_;
  std::unique_ptr<DiskEngine> disk_;
  std::unique_ptr<NbdServer> server_;
};

TEST_F(NbdServerTest, WhatIsWrittenIsReadBackAtEverySize) {
  Client client(path_);
  client.enter();
  // Within a buffer, across pieces, and larger than everything in between.
  for (const std::uint32_t size : {4096u, 128u * 1024, 128u * 1024 + 4096, 1u << 20, 3u << 20}) {
    const Bytes data = guest_data(size, size, "w" + std::to_string(size));
    EXPECT_EQ(client.call(NbdCommand::kWrite, 4096, size, data), NbdError::kNone);
    EXPECT_EQ(client.call(NbdCommand::kRead, 4096, size), NbdError::kNone);
    EXPECT_TRUE(client.receive(size) == data) << size;
    EXPECT_FALSE(contains(folder_.contents("vm-1-flat.vmdk"), "w" + std::to_string(size)));
  }
}

TEST_F(NbdServerTest, ManyRequestsAtOnceAreAnsweredInOrder) {
  Client client(path_);
  client.enter();
  Bytes all;
  for (std::uint64_t i = 0; i < 64; ++i) {
    const Bytes data = guest_data(i * 8192, 8192);
    for (const auto& part : {Client::request(NbdCommand::kWrite, i * 8192, 8192, 2 * i), data,
                             Client::request(NbdCommand::kRead, i * 8192, 8192, 2 * i + 1)}) {
      all.insert(all.end(), part.begin(), part.end());
    }
  }
  std::jthread sender([&] { client.send(all); });  // Both directions fill up otherwise.
  for (std::uint64_t i = 0; i < 64; ++i) {
    EXPECT_EQ(client.reply(2 * i), NbdError::kNone);
    EXPECT_EQ(client.reply(2 * i + 1), NbdError::kNone);
    EXPECT_EQ(client.receive(8192), guest_data(i * 8192, 8192));
  }
}

TEST_F(NbdServerTest, ARefusedWriteIsSkippedAndTheConnectionGoesOn) {
  Client client(path_);
  client.enter();
  EXPECT_EQ(client.call(NbdCommand::kWrite, kSize, 1 << 20, Bytes(1 << 20)), NbdError::kNoSpace);
  EXPECT_EQ(client.call(NbdCommand::kWrite, 512, 512, Bytes(512)), NbdError::kInvalid);
  EXPECT_EQ(client.call(NbdCommand::kRead, kSize, 4096), NbdError::kInvalid);
  EXPECT_EQ(client.call(static_cast<NbdCommand>(77), 0, 0), NbdError::kInvalid);
  EXPECT_EQ(client.call(NbdCommand::kFlush, 0, 0), NbdError::kNone);
}

TEST_F(NbdServerTest, FuaAndFlushAreAnsweredOnlyWhenDurable) {
  Client client(path_);
  client.enter();
  const Bytes data = guest_data(0, 8192);
  EXPECT_EQ(client.call(NbdCommand::kWrite, 0, 8192, data, kNbdCommandFua), NbdError::kNone);
  EXPECT_EQ(client.call(NbdCommand::kWriteZeroes, 8192, 4096, {}, kNbdCommandFua), NbdError::kNone);
  server_->stop();
  disk_.reset();
  folder_.restart();  // The power is cut.
  disk_ = DiskEngine::open(folder_, "vm-1", sample_key(1).dek.clone()).value();
  Bytes expected = data;
  expected.resize(12288);
  Bytes now(12288);
  disk_->session().read(0, now).value();
  EXPECT_EQ(now, expected);
}

TEST_F(NbdServerTest, AFailingDiskAnswersWithAnErrorAndTellsTheHost) {
  Client client(path_);
  client.enter();
  folder_.fail_at(0);
  EXPECT_EQ(client.call(NbdCommand::kWrite, 0, 1 << 20, Bytes(1 << 20)), NbdError::kIo);
  EXPECT_EQ(client.call(NbdCommand::kFlush, 0, 0), NbdError::kIo);
  EXPECT_EQ(client.call(NbdCommand::kRead, 0, 4096), NbdError::kIo);
  EXPECT_THAT(reported(), ::testing::Contains("the power is off"));
}

TEST_F(NbdServerTest, DisconnectEndsTheConnectionAndTheServerTakesTheNext) {
  {
    Client client(path_);
    client.enter();
    client.send(Client::request(NbdCommand::kDisconnect, 0, 0));
    EXPECT_TRUE(client.closed());
  }
  Client next(path_);
  next.enter();
  EXPECT_EQ(next.call(NbdCommand::kFlush, 0, 0), NbdError::kNone);
}

TEST_F(NbdServerTest, ABrokenClientIsClosedAndTheOthersAreNot) {
  Client good(path_);
  good.enter();
  {
    Client bad(path_);
    bad.enter();
    bad.send(Bytes(kNbdRequestBytes, 0xff));
    EXPECT_TRUE(bad.closed());
  }
  {
    Client greedy(path_);
    greedy.enter();
    greedy.send(Client::request(NbdCommand::kWrite, 0, 0xffffffff));
    EXPECT_TRUE(greedy.closed());
  }
  {
    Client leaver(path_);  // In the middle of a payload.
    leaver.enter();
    leaver.send(Client::request(NbdCommand::kWrite, 0, 1 << 20));
    leaver.send(Bytes(5000));
  }
  EXPECT_EQ(good.call(NbdCommand::kFlush, 0, 0), NbdError::kNone);
}

TEST_F(NbdServerTest, StoppingEndsTheConnectionsInUse) {
  Client idle(path_);
  idle.enter();
  Client midway(path_);
  midway.enter();
  midway.send(Client::request(NbdCommand::kWrite, 0, 1 << 20));
  Client silent(path_);
  server_->stop();
  server_->stop();
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(midway.closed());
  EXPECT_FALSE(Client(path_).connected());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(NbdServerTest, TheSocketIsForItsOwnerAlone) {
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(NbdServerTest, MoreConnectionsThanAreServedAreClosed) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < NbdServer::kConnectionsMax; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    clients.back()->enter();
  }
  EXPECT_EQ(server_->connections(), NbdServer::kConnectionsMax);
  EXPECT_TRUE(Client(path_).closed());
  EXPECT_EQ(clients.front()->call(NbdCommand::kFlush, 0, 0), NbdError::kNone);
}

TEST_F(NbdServerTest, AClientThatThereIsNoDescriptorForWaitsAndCostsNothing) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = ::dup(fd);
  ::close(lowest_free);
  const rlimit none_left{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::clock_t cpu = std::clock();
  pollfd waiting{fd, POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 500), 0) << "there was a descriptor left";
  EXPECT_LT(std::clock() - cpu, CLOCKS_PER_SEC / 10) << "the server spins";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(::poll(&waiting, 1, kPatience_ms), 1) << "the client is not served afterwards";
  ::close(fd);
}

// As if the machine were out of memory or of processes: no stack of that size is to be had.
class NoThreads {
 public:
  NoThreads() {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t none;
    ::pthread_attr_init(&none);
    ::pthread_attr_setstacksize(&none, std::size_t{1} << 48);
    ::pthread_setattr_default_np(&none);
    ::pthread_attr_destroy(&none);
  }
  ~NoThreads() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_{};
};

TEST_F(NbdServerTest, AClientThatThereIsNoThreadForIsClosedAndTheOthersAreServedOn) {
  Client good(path_);
  good.enter();
  {
    const NoThreads short_of_memory;
    EXPECT_TRUE(Client(path_).closed());
    EXPECT_EQ(good.call(NbdCommand::kFlush, 0, 0), NbdError::kNone);
  }
  // The client sees its end before it is told.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (reported().empty() && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  EXPECT_THAT(reported(), ::testing::ElementsAre(::testing::HasSubstr("gives no thread")));
  Client next(path_);
  next.enter();
}

TEST_F(NbdServerTest, AServerThatThereIsNoThreadForIsRefusedAndLeavesNoSocket) {
  const NoThreads short_of_memory;
  const std::string path = temporary_.file("other.sock");
  const auto server = NbdServer::start(path, "vm-1", *disk_);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(server.error().detail, ::testing::HasSubstr("gives no thread"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(NbdServerTest, ALongPathIsServedToo) {
  const std::string folder = temporary_.file(std::string(150, 'd'));
  std::filesystem::create_directory(folder);
  const auto server = NbdServer::start(folder + "/vm.sock", "vm-1", *disk_).value();
  Client client(folder + "/vm.sock");
  client.enter();
  EXPECT_EQ(client.call(NbdCommand::kFlush, 0, 0), NbdError::kNone);
}

TEST_F(NbdServerTest, AFolderThatIsNotThereIsToldInASentence) {
  const auto server = NbdServer::start(temporary_.file("nowhere/vm.sock"), "vm-1", *disk_);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(server.error().detail, ::testing::HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace keytrail::disk::test
