# The bytes of a fact's body. FIXED: facts in this form are kept, hashed and replayed for ever.
#
# Append only: new fields and new arms at the end, with the next number; none renumbered, none
# renamed, none removed, no type changed. Each change gets a line in bus/events/README.md and a
# golden file in tests/golden/events. What a field means stands beside its twin in
# bus/events/*_events.h.
#
# A body is one unpacked message in one segment, as a flat array: a segment table of 8 bytes, then
# the words. Data holds what has no text of its own: hashes and keys (32 bytes), action ids (16),
# fingerprints (16).
@0xe433eeca61a515bd;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("keytrail::encoded");

struct Body {
  stream @0 :Text;
  user @1 :Text;
  origin @2 :Origin;
  action @3 :Data;
  cause @4 :UInt64;
  clock @5 :UInt64;
  effect @6 :Effect;
  attachments @7 :List(Data);  # SHA-256 of each, in the order of the unit
  event :union {
    part @8 :Part;
    eventstore @9 :Eventstore;
    kms @10 :Kms;
    vcenter @11 :Vcenter;
    esxi @12 :Esxi;
  }
}

enum Effect { change @0; note @1; }
struct Origin { address @0 :Text; certificateFingerprint @1 :Text; session @2 :Text; }
struct Key { provider @0 :Text; id @1 :Text; }

# --- words shared by several parts ------------------------------------------------------------

enum ObjectType { symmetricKey @0; secretData @1; opaqueObject @2; }
enum ObjectOrigin { created @0; registered @1; }
enum ObjectState {
  preActive @0;
  active @1;
  deactivated @2;
  compromised @3;
  destroyed @4;
  destroyedCompromised @5;
}
enum EntityKind { folder @0; datacenter @1; cluster @2; host @3; datastore @4; vm @5; }
enum HostMode { incapable @0; prepared @1; safe @2; pendingIncapable @3; }
enum RecryptDepth { shallow @0; deep @1; }
enum PowerState { off @0; on @1; }
enum KeyPurpose { vm @0; host @1; probe @2; }
enum Refusal {
  noPrivilege @0;
  notFound @1;
  alreadyExists @2;
  busy @3;
  wrongState @4;
  noKeyProvider @5;
  keyRefused @6;
  hostRefused @7;
  expired @8;
  invalid @9;
}
enum ErasureReason { ordered @0; modeLeft @1; noLongerNeeded @2; }
enum OrderKind { create @0; encrypt @1; decrypt @2; recrypt @3; powerOn @4; powerOff @5; mode @6; }
enum StopReason { guestPoweredOff @0; ordered @1; guestFailed @2; hostRestarted @3; }

# --- part --------------------------------------------------------------------------------------

struct Part {
  union {
    partStarted @0 :PartStarted;
    partStopped @1 :PartStopped;
    refusalsRepeated @2 :RefusalsRepeated;
  }

  struct PartStarted { epoch @0 :UInt64; programVersion @1 :Text; }
  struct PartStopped { epoch @0 :UInt64; }
  struct RefusalsRepeated { socket @0 :Text; reason @1 :Text; address @2 :Text; count @3 :UInt64; }
}

# --- eventstore --------------------------------------------------------------------------------

struct Eventstore {
  union {
    identityGranted @0 :IdentityGranted;
    identityRevoked @1 :IdentityRevoked;
    clockStepped @2 :ClockStepped;
    logRepaired @3 :LogRepaired;
  }

  struct IdentityGranted {
    name @0 :Text;
    curveKey @1 :Text;
    prefixes @2 :List(Text);
    topics @3 :List(Text);
    sockets @4 :List(Text);
  }
  struct IdentityRevoked { name @0 :Text; }
  struct ClockStepped { expected @0 :UInt64; found @1 :UInt64; }
  struct LogRepaired { generation @0 :UInt64; acceptedHead @1 :UInt64; }
}

# --- kms ---------------------------------------------------------------------------------------

struct Kms {
  union {
    objectCreated @0 :ObjectCreated;
    nameBound @1 :NameBound;
    nameFreed @2 :NameFreed;
    attributeAdded @3 :AttributeAdded;
    keyActivated @4 :KeyActivated;
    keyRevoked @5 :KeyRevoked;
    keyDestroyed @6 :KeyDestroyed;
    keyReleased @7 :KeyReleased;
    operationRefused @8 :OperationRefused;
    readRecorded @9 :ReadRecorded;
    clientEnrolled @10 :ClientEnrolled;
    clientRemoved @11 :ClientRemoved;
    certificateSigned @12 :CertificateSigned;
    clusterCreated @13 :ClusterCreated;
    replicaAdmitted @14 :ReplicaAdmitted;
    replicaRetired @15 :ReplicaRetired;
    keyringGranted @16 :KeyringGranted;
    leafBlockLeased @17 :LeafBlockLeased;
    shreddedThrough @18 :ShreddedThrough;
    keyringRestored @19 :KeyringRestored;
  }

  struct Attribute { name @0 :Text; index @1 :UInt32; value @2 :Data; }
  struct ObjectCreated {
    object @0 :Text;
    type @1 :ObjectType;
    origin @2 :ObjectOrigin;
    algorithm @3 :UInt32;
    lengthBits @4 :UInt32;
    usageMask @5 :UInt32;
    format @6 :UInt32;
    subtype @7 :UInt32;
    owner @8 :Text;
    attributes @9 :List(Attribute);
    leaf @10 :UInt64;
    fingerprint @11 :Data;
  }
  struct NameBound { name @0 :Text; owner @1 :Text; object @2 :Text; }
  struct NameFreed { name @0 :Text; owner @1 :Text; object @2 :Text; }
  struct AttributeAdded { object @0 :Text; attribute @1 :Attribute; }
  struct KeyActivated { object @0 :Text; activationDate @1 :UInt64; }
  struct KeyRevoked {
    object @0 :Text;
    reason @1 :UInt32;
    message @2 :Text;
    state @3 :ObjectState;
    compromiseDate @4 :UInt64;
  }
  struct KeyDestroyed { object @0 :Text; leaf @1 :UInt64; }
  struct KeyReleased { object @0 :Text; client @1 :Text; replica @2 :Text; }
  struct OperationRefused {
    operation @0 :UInt32;
    object @1 :Text;
    client @2 :Text;
    reason @3 :UInt32;
    detail @4 :Text;
  }
  struct ReadRecorded { operation @0 :UInt32; object @1 :Text; client @2 :Text; }
  struct ClientEnrolled { client @0 :Text; group @1 :Text; certificates @2 :List(Data); }
  struct ClientRemoved { client @0 :Text; }
  struct CertificateSigned { subject @0 :Text; fingerprint @1 :Data; }
  struct ClusterCreated {
    cluster @0 :Text;
    replica @1 :Text;
    certificate @2 :Data;
    keyringFingerprint @3 :Data;
  }
  struct ReplicaAdmitted { replica @0 :Text; certificate @1 :Data; }
  struct ReplicaRetired { replica @0 :Text; }
  struct KeyringGranted { to @0 :Text; by @1 :Text; asOf @2 :UInt64; }
  struct LeafBlockLeased { block @0 :UInt64; replica @1 :Text; }
  struct ShreddedThrough {
    replica @0 :Text;
    through @1 :UInt64;
    leaves @2 :UInt64;
    provable @3 :Bool;
  }
  struct KeyringRestored { replica @0 :Text; found @1 :UInt64; stated @2 :UInt64; }
}

# --- vcenter -----------------------------------------------------------------------------------

struct Vcenter {
  union {
    entityAdded @0 :EntityAdded;
    entityRemoved @1 :EntityRemoved;
    hostRegistered @2 :HostRegistered;
    userCreated @3 :UserCreated;
    groupCreated @4 :GroupCreated;
    groupJoined @5 :GroupJoined;
    roleCreated @6 :RoleCreated;
    permissionSet @7 :PermissionSet;
    permissionRemoved @8 :PermissionRemoved;
    loggedIn @9 :LoggedIn;
    loginRefused @10 :LoginRefused;
    privilegeChecked @11 :PrivilegeChecked;
    commandRefused @12 :CommandRefused;
    providerAdded @13 :ProviderAdded;
    serverTrusted @14 :ServerTrusted;
    providerProbed @15 :ProviderProbed;
    providerProbeFailed @16 :ProviderProbeFailed;
    defaultProviderSet @17 :DefaultProviderSet;
    providerRemoved @18 :ProviderRemoved;
    serverUnreachable @19 :ServerUnreachable;
    keyRequested @20 :KeyRequested;
    keyObtained @21 :KeyObtained;
    keyRefused @22 :KeyRefused;
    keyPushed @23 :KeyPushed;
    keyUnavailable @24 :KeyUnavailable;
    hostModeOrdered @25 :HostModeOrdered;
    vmCreationRequested @26 :VmCreationRequested;
    vmCreationRefused @27 :VmCreationRefused;
    vmCreationOrdered @28 :VmCreationOrdered;
    vmCreated @29 :VmCreated;
    encryptionRequested @30 :EncryptionRequested;
    encryptionRefused @31 :EncryptionRefused;
    encryptionOrdered @32 :EncryptionOrdered;
    encryptionCompleted @33 :EncryptionCompleted;
    decryptionRequested @34 :DecryptionRequested;
    decryptionRefused @35 :DecryptionRefused;
    decryptionOrdered @36 :DecryptionOrdered;
    decryptionCompleted @37 :DecryptionCompleted;
    recryptRequested @38 :RecryptRequested;
    recryptRefused @39 :RecryptRefused;
    recryptOrdered @40 :RecryptOrdered;
    recryptCompleted @41 :RecryptCompleted;
    powerRequested @42 :PowerRequested;
    powerRefused @43 :PowerRefused;
    powerOrdered @44 :PowerOrdered;
    powerCompleted @45 :PowerCompleted;
    unlockRequested @46 :UnlockRequested;
    unlockRefused @47 :UnlockRefused;
    unlockCompleted @48 :UnlockCompleted;
    orderExpired @49 :OrderExpired;
  }

  struct EntityAdded { kind @0 :EntityKind; entity @1 :Text; parent @2 :Text; }
  struct EntityRemoved { entity @0 :Text; }
  struct HostRegistered { host @0 :Text; cluster @1 :Text; channelKey @2 :Text; }
  struct UserCreated { user @0 :Text; credential @1 :Text; }
  struct GroupCreated { group @0 :Text; }
  struct GroupJoined { group @0 :Text; user @1 :Text; }
  struct RoleCreated { role @0 :Text; privileges @1 :List(Text); }
  struct PermissionSet {
    entity @0 :Text;
    principal @1 :Text;
    isGroup @2 :Bool;
    role @3 :Text;
    propagates @4 :Bool;
  }
  struct PermissionRemoved { entity @0 :Text; principal @1 :Text; isGroup @2 :Bool; }
  struct LoggedIn { user @0 :Text; }
  struct LoginRefused { user @0 :Text; reason @1 :Text; }
  struct PrivilegeChecked {
    privilege @0 :Text;
    entity @1 :Text;
    granted @2 :Bool;
    role @3 :Text;
    principal @4 :Text;
    isGroup @5 :Bool;
    inheritedFrom @6 :Text;
    rightsPosition @7 :UInt64;
  }
  struct CommandRefused { command @0 :Text; object @1 :Text; reason @2 :Refusal; detail @3 :Text; }
  struct KmipServer { name @0 :Text; address @1 :Text; port @2 :UInt16; }
  struct ProviderAdded {
    provider @0 :Text;
    servers @1 :List(KmipServer);
    credential @2 :Text;
    clientCertificate @3 :Data;
  }
  struct ServerTrusted { provider @0 :Text; server @1 :Text; certificate @2 :Data; }
  struct ProviderProbed {
    provider @0 :Text;
    vendor @1 :Text;
    probeKey @2 :Text;
    servers @3 :List(Text);
  }
  struct ProviderProbeFailed { provider @0 :Text; server @1 :Text; detail @2 :Text; }
  struct DefaultProviderSet { provider @0 :Text; automatic @1 :Bool; }
  struct ProviderRemoved { provider @0 :Text; }
  struct ServerUnreachable { provider @0 :Text; server @1 :Text; detail @2 :Text; }
  struct KeyRequested {
    provider @0 :Text;
    purpose @1 :KeyPurpose;
    subject @2 :Text;
    name @3 :Text;
  }
  struct KeyObtained { key @0 :Key; server @1 :Text; purpose @2 :KeyPurpose; subject @3 :Text; }
  struct KeyRefused { provider @0 :Text; detail @1 :Text; }
  struct KeyPushed { host @0 :Text; boot @1 :Text; key @2 :Key; server @3 :Text; }
  struct KeyUnavailable { host @0 :Text; key @1 :Key; detail @2 :Text; }
  struct HostModeOrdered { host @0 :Text; mode @1 :HostMode; key @2 :Key; }
  struct GuestBoot { kernel @0 :Text; initrd @1 :Text; commandLine @2 :Text; }
  struct VmCreationRequested {
    vm @0 :Text;
    host @1 :Text;
    folder @2 :Text;
    datastore @3 :Text;
    diskBytes @4 :UInt64;
    sectorBytes @5 :UInt32;
    import @6 :Text;
    encrypted @7 :Bool;
    provider @8 :Text;
    guest @9 :GuestBoot;
  }
  struct VmCreationRefused { vm @0 :Text; reason @1 :Refusal; detail @2 :Text; }
  struct VmCreationOrdered { vm @0 :Text; host @1 :Text; key @2 :Key; }
  struct VmCreated { vm @0 :Text; host @1 :Text; key @2 :Key; }
  struct EncryptionRequested { vm @0 :Text; provider @1 :Text; }
  struct EncryptionRefused { vm @0 :Text; reason @1 :Refusal; detail @2 :Text; }
  struct EncryptionOrdered { vm @0 :Text; host @1 :Text; key @2 :Key; }
  struct EncryptionCompleted { vm @0 :Text; key @1 :Key; }
  struct DecryptionRequested { vm @0 :Text; }
  struct DecryptionRefused { vm @0 :Text; reason @1 :Refusal; detail @2 :Text; }
  struct DecryptionOrdered { vm @0 :Text; host @1 :Text; key @2 :Key; }
  struct DecryptionCompleted { vm @0 :Text; }
  struct RecryptRequested { vm @0 :Text; depth @1 :RecryptDepth; provider @2 :Text; }
  struct RecryptRefused {
    vm @0 :Text;
    depth @1 :RecryptDepth;
    reason @2 :Refusal;
    detail @3 :Text;
  }
  struct RecryptOrdered {
    vm @0 :Text;
    host @1 :Text;
    depth @2 :RecryptDepth;
    oldKey @3 :Key;
    newKey @4 :Key;
  }
  struct RecryptCompleted { vm @0 :Text; depth @1 :RecryptDepth; oldKey @2 :Key; newKey @3 :Key; }
  struct PowerRequested { vm @0 :Text; power @1 :PowerState; }
  struct PowerRefused { vm @0 :Text; power @1 :PowerState; reason @2 :Refusal; detail @3 :Text; }
  struct PowerOrdered { vm @0 :Text; host @1 :Text; power @2 :PowerState; key @3 :Key; }
  struct PowerCompleted { vm @0 :Text; power @1 :PowerState; }
  struct UnlockRequested { vm @0 :Text; key @1 :Key; }
  struct UnlockRefused { vm @0 :Text; reason @1 :Refusal; detail @2 :Text; }
  struct UnlockCompleted { vm @0 :Text; }
  struct OrderExpired { vm @0 :Text; host @1 :Text; order @2 :UInt64; }
}

# --- esxi --------------------------------------------------------------------------------------

struct Esxi {
  union {
    hostStarted @0 :HostStarted;
    hostModeChanged @1 :HostModeChanged;
    keyReceived @2 :KeyReceived;
    keyErased @3 :KeyErased;
    vmCreationStarted @4 :VmCreationStarted;
    encryptionStarted @5 :EncryptionStarted;
    decryptionStarted @6 :DecryptionStarted;
    recryptStarted @7 :RecryptStarted;
    powerChangeStarted @8 :PowerChangeStarted;
    orderRefused @9 :OrderRefused;
    diskCreated @10 :DiskCreated;
    diskEncrypted @11 :DiskEncrypted;
    diskDecrypted @12 :DiskDecrypted;
    diskRecrypted @13 :DiskRecrypted;
    diskUsage @14 :DiskUsage;
    guestStarted @15 :GuestStarted;
    guestStopped @16 :GuestStopped;
    vmLocked @17 :VmLocked;
    vmUnlocked @18 :VmUnlocked;
  }

  struct HostStarted { boot @0 :Text; bootKey @1 :Data; }
  struct HostModeChanged { mode @0 :HostMode; key @1 :Key; }
  struct KeyReceived { boot @0 :Text; key @1 :Key; }
  struct KeyErased { boot @0 :Text; key @1 :Key; reason @2 :ErasureReason; }
  struct VmCreationStarted { vm @0 :Text; order @1 :UInt64; }
  struct EncryptionStarted { vm @0 :Text; order @1 :UInt64; }
  struct DecryptionStarted { vm @0 :Text; order @1 :UInt64; }
  struct RecryptStarted { vm @0 :Text; order @1 :UInt64; }
  struct PowerChangeStarted { vm @0 :Text; order @1 :UInt64; power @2 :PowerState; }
  struct OrderRefused {
    kind @0 :OrderKind;
    vm @1 :Text;
    order @2 :UInt64;
    reason @3 :Refusal;
    detail @4 :Text;
  }
  struct DiskState {
    disk @0 :Text;
    file @1 :Text;
    bytes @2 :UInt64;
    sectorBytes @3 :UInt32;
    generation @4 :UInt64;
  }
  struct DiskCreated {
    vm @0 :Text;
    disk @1 :DiskState;
    cipher @2 :Text;
    key @3 :Key;
    dekFingerprint @4 :Data;
  }
  struct DiskEncrypted {
    vm @0 :Text;
    disk @1 :DiskState;
    cipher @2 :Text;
    key @3 :Key;
    dekFingerprint @4 :Data;
  }
  struct DiskDecrypted { vm @0 :Text; disk @1 :DiskState; }
  struct DiskRecrypted {
    vm @0 :Text;
    disk @1 :DiskState;
    depth @2 :RecryptDepth;
    oldKey @3 :Key;
    newKey @4 :Key;
    dekFingerprint @5 :Data;
  }
  struct DiskUsage {
    vm @0 :Text;
    disk @1 :Text;
    readBytes @2 :UInt64;
    writtenBytes @3 :UInt64;
    reads @4 :UInt64;
    writes @5 :UInt64;
  }
  struct GuestStarted { vm @0 :Text; boot @1 :Text; }
  struct GuestStopped { vm @0 :Text; reason @1 :StopReason; detail @2 :Text; }
  struct VmLocked { vm @0 :Text; key @1 :Key; }
  struct VmUnlocked { vm @0 :Text; key @1 :Key; }
}
