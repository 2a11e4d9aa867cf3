#include "kms/kmip/client.h"

#include <utility>

#include "bus/secret/text.h"
#include "kms/kmip/tls_connection.h"

namespace keytrail::kmip {

Result<Endpoint> parse_endpoint(std::string_view text) {
  const Error invalid{ErrorCode::kInvalid,
                      "\"" + std::string(text) + "\" is no address: HOST:PORT or [IPV6]:PORT"};
  Endpoint endpoint;
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return invalid;
    endpoint.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    endpoint.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(endpoint.host.size());
  }
  if (endpoint.host.empty()) return invalid;
  if (rest.empty()) return endpoint;
  if (!rest.starts_with(':')) return invalid;
  endpoint.port = parse_decimal<std::uint16_t>(rest.substr(1)).value_or(0);
  if (endpoint.port == 0) return invalid;
  return endpoint;
}

Result<SeenCertificate> look_at_server(const Endpoint& server, int timeout_ms) {
  const TlsContext context = TRY(make_client_context(nullptr, AnyServer{}));
  const auto connection = TRY(TlsConnection::open(server, context, timeout_ms));
  const std::optional<Hash> fingerprint = connection->peer_fingerprint();
  if (!fingerprint) {
    return Error{ErrorCode::kUnavailable, server.host + " has no certificate"};
  }
  return SeenCertificate{connection->peer_certificate(), *fingerprint};
}

Client::Client(std::unique_ptr<TlsConnection> connection, ClientOptions options)
    : connection_(std::move(connection)), options_(std::move(options)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(const Endpoint& server, const TlsContext& tls,
                                                ClientOptions options) {
  auto connection = TRY(TlsConnection::open(server, tls, options.timeouts.connect_ms));
  return std::unique_ptr<Client>(new Client(std::move(connection), std::move(options)));
}

Result<ResponseMessage> Client::exchange(RequestMessage request) {
  refusal_.reset();
  if (connection_ == nullptr) {
    return Error{ErrorCode::kUnavailable, "the connection to the key server was closed before"};
  }
  if (!options_.username.empty()) {
    request.header.credentials.push_back(
        UsernameAndPassword{options_.username, options_.password.clone()});
  }
  Result<ResponseMessage> answer = [&]() -> Result<ResponseMessage> {
    const SecretBytes bytes =
        TRY(connection_->exchange(encode_request(request), options_.timeouts.request_ms));
    return decode_response(bytes.read(SecretAccess()));
  }();
  if (!answer) {
    connection_.reset();  // Whatever comes next on it could be the answer to this request.
    return Error{ErrorCode::kUnavailable, answer.error().detail};
  }
  return answer;
}

template <class Response, class Request>
Result<Response> Client::call(Request request) {
  RequestMessage message;
  message.header.version = options_.version;
  RequestPayload payload = std::move(request);
  const Operation operation = operation_of(payload);
  message.items.push_back({operation, std::nullopt, std::move(payload)});

  ResponseMessage answer = TRY(exchange(std::move(message)));
  if (answer.items.size() == 1) {
    auto& outcome = answer.items.front().outcome;
    if (auto* failure = std::get_if<Failure>(&outcome)) {
      refusal_ = std::move(*failure);
      return Error{ErrorCode::kRefused, name_of(operation) + " was refused (" +
                                            name_of(refusal_->reason) + "): " + refusal_->message};
    }
    if (auto* whole = std::get_if<ResponsePayload>(&outcome)) {
      if (auto* response = std::get_if<Response>(whole)) return std::move(*response);
    }
  }
  connection_.reset();
  return Error{ErrorCode::kUnavailable,
               "the key server answered something else than " + name_of(operation) + " asked for"};
}

Result<std::vector<ProtocolVersion>> Client::discover_versions() {
  return TRY(call<DiscoverVersionsResponse>(DiscoverVersionsRequest{})).versions;
}

Result<QueryResponse> Client::query(std::vector<QueryFunction> functions) {
  return call<QueryResponse>(QueryRequest{std::move(functions)});
}

Result<CreateResponse> Client::create(CreateRequest request) {
  return call<CreateResponse>(std::move(request));
}

Result<RegisterResponse> Client::register_object(RegisterRequest request) {
  return call<RegisterResponse>(std::move(request));
}

Result<GetResponse> Client::get(const std::string& id) {
  return call<GetResponse>(GetRequest{.id = id});
}

Result<std::vector<Attribute>> Client::get_attributes(const std::string& id,
                                                      std::vector<std::string> names) {
  return TRY(call<GetAttributesResponse>(GetAttributesRequest{id, std::move(names)})).attributes;
}

Result<std::vector<std::string>> Client::get_attribute_list(const std::string& id) {
  return TRY(call<GetAttributeListResponse>(GetAttributeListRequest{id})).names;
}

Result<Attribute> Client::add_attribute(const std::string& id, Attribute attribute) {
  return TRY(call<AddAttributeResponse>(AddAttributeRequest{id, std::move(attribute)})).attribute;
}

Result<LocateResponse> Client::locate(LocateRequest request) {
  return call<LocateResponse>(std::move(request));
}

Result<void> Client::activate(const std::string& id) {
  TRY(call<ActivateResponse>(ActivateRequest{id}));
  return {};
}

Result<void> Client::revoke(const std::string& id, RevocationReason reason,
                            std::optional<std::int64_t> compromise_occurrence_seconds) {
  RevokeRequest request{id, std::move(reason)};
  if (compromise_occurrence_seconds) {
    request.compromise_occurrence = ttlv::DateTime{*compromise_occurrence_seconds};
  }
  TRY(call<RevokeResponse>(std::move(request)));
  return {};
}

Result<void> Client::destroy(const std::string& id) {
  TRY(call<DestroyResponse>(DestroyRequest{id}));
  return {};
}

Result<ProtocolVersion> Client::negotiate() {
  options_.version = kVersion1_1;  // The first that has Discover Versions, and widely known.
  Result<std::vector<ProtocolVersion>> offered = discover_versions();
  if (!offered && offered.error().code != ErrorCode::kRefused) return offered.error();
  options_.version = kVersion1_0;
  if (!offered) return options_.version;
  for (const ProtocolVersion version : kSpokenVersions) {
    for (const ProtocolVersion theirs : *offered) {
      if (version == theirs) return options_.version = version;
    }
  }
  return Error{ErrorCode::kUnavailable, "the key server speaks none of KMIP " +
                                            version_text(kLowestVersion) + " to " +
                                            version_text(kHighestVersion)};
}

}  // namespace keytrail::kmip
