// State of a KMS cluster: what folding its part of the log gives. Every replica has the same at the
// same position.
//
// Default-constructed it is before the first fact. It grows to millions of objects: nobody copies
// it; a request is decided on a Draft laid over it (draft.h). Objects are never forgotten: a
// destroyed one keeps its life and loses its material. Threads: belongs to one.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "kms/model/object.h"

namespace keytrail::kms {

// Who may ask: a name to which certificates are pinned.
struct Client {
  std::string name;
  std::string group;  // empty: what it makes belongs to the client itself
  std::vector<Hash> certificates;
  bool removed = false;
  std::uint64_t version = 0;  // of its stream
  bool operator==(const Client&) const = default;
};
[[nodiscard]] std::string owner_of(const Client& client);  // "group/NAME" or "client/NAME"

// Who holds a KMIP Name among the objects of one owner.
struct NameBinding {
  std::string object;  // empty: free again
  std::uint64_t version = 0;
  bool operator==(const NameBinding&) const = default;
};

struct Member {
  Hash certificate{};  // of its KMIP and keyring ports
  bool retired = false;
  Position admitted = 0;

  // What is known of its keyring: by its granter at first, then by itself.
  Position shredded_through = 0;
  bool provable = true;             // false: its medium copies on write
  std::uint64_t shred_version = 0;  // of kms/REPLICA/shred
  Position granted = 0;  // the keyring, last; 0: it made the keyring, or has none yet
  bool operator==(const Member&) const = default;
};

struct Cluster {
  std::string name;  // empty: not created yet
  std::string founder;
  Hash keyring_fingerprint{};
  std::map<std::string, Member> members;
  std::uint64_t version = 0;  // of kms/CLUSTER/members
  bool operator==(const Cluster&) const = default;
};

// It made the keyring, or was given it: what is destroyed is gone only once it says so, even if it
// is retired.
[[nodiscard]] inline bool has_keyring(const Cluster& cluster, const std::string& replica,
                                      const Member& member) {
  return replica == cluster.founder || member.granted != 0;
}

struct Leases {
  std::uint64_t next_block = 0;
  std::uint64_t version = 0;  // of kms/CLUSTER/leases
  bool operator==(const Leases&) const = default;
};

class State {
 public:
  using Ordinal = std::uint32_t;  // of an object, in the order of creation

  [[nodiscard]] const Object* object(const std::string& id) const;
  [[nodiscard]] const std::deque<Object>& objects() const { return objects_; }
  [[nodiscard]] const NameBinding* name(std::string_view owner, std::string_view name) const;
  [[nodiscard]] const std::vector<Ordinal>& owned_by(std::string_view owner) const;
  // The owner's objects that have, or had, exactly this attribute value.
  [[nodiscard]] const std::vector<Ordinal>& with_attribute(std::string_view owner,
                                                           const Attribute& attribute) const;

  [[nodiscard]] const Client* client(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, Client>& clients() const { return clients_; }
  // The enrolled client to which this certificate is pinned; null if there is none (any more).
  [[nodiscard]] const Client* client_with(const Hash& certificate) const;

  [[nodiscard]] const Cluster& cluster() const { return cluster_; }
  [[nodiscard]] const Member* member(const std::string& replica) const;  // null: never admitted
  [[nodiscard]] const Leases& leases() const { return leases_; }
  [[nodiscard]] std::uint64_t epoch(
      const std::string& author) const;  // the last one begun; 0 = none

  // A copy of another State's object, for a draft to change.
  void adopt(Object object);

  [[nodiscard]] Position position() const {
    return position_;
  }                                                    // of the last fact that meant something
  [[nodiscard]] TimeNs time() const { return time_; }  // its time

  bool operator==(const State&) const = default;

 private:
  void index(const Object& object, const Attribute& attribute);
  void bind(std::string_view owner, std::string_view name, NameBinding binding);

  friend class Evolution;  // evolve.cc: what each fact changes

  std::deque<Object> objects_;
  std::unordered_map<std::string, Ordinal> ordinals_;
  std::unordered_map<std::string, std::vector<Ordinal>> by_owner_;
  std::unordered_map<std::string, std::vector<Ordinal>> by_attribute_;
  std::unordered_map<std::string, NameBinding> names_;
  std::map<std::string, Client> clients_;
  std::map<Hash, std::string> pinned_;  // certificate -> client
  Cluster cluster_;
  Leases leases_;
  std::map<std::string, std::uint64_t> epochs_;
  Position position_ = 0;
  TimeNs time_ = 0;
};

}  // namespace keytrail::kms
