import Contracts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Messaging
import NIOCore
import Runtime
import Secrets
import Traces
import Tracing

/// The context of a request: its channel, for `100 Continue`.
package struct IngressContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Turns HTTP into a call and the call's reply into HTTP. Never throws: every error is an answer.
struct IngressResponder: HTTPResponder {
    typealias Context = IngressContext

    let pages: Pages
    let gate: Gate
    let dispatcher: Dispatcher
    let uploads: Uploads
    private let downloads = ConcurrencyLimit(limit: PagedAnswer.maximumAtOnce)
    private let listeners = ConcurrencyLimit(limit: EventStream.maximumAtOnce)
    let watch: ChangeWatch
    let answers: AnswerCache
    /// The parts of an answer after the first.
    typealias Rest = @Sendable (_ first: [UInt8]) -> ResponseBody

    let admission: ConcurrencyLimit
    let metrics: IngressMetrics
    let closing = ClosingConnections()
    let bodyDeadline: Duration
    let bodies: BodyBudget
    let crossOrigin: CrossOrigin
    let clientAddress: ClientAddress
    let clock: any WallClock
    let randomness: any Randomness
    let logger: Logger
    /// Nil where nothing is traced.
    let tracer: SpanTracer?

    /// The headers that belong to a connection or that are set here.
    private static let ownHeaders: Set<String> = ["content-length", "transfer-encoding", "date", "x-request-id", "traceparent"]

    func respond(to request: Hummingbird.Request, context: IngressContext) async throws -> Response {
        let received = clock.now()
        let headers = request.headers
        let id = RequestID.accepted(headers.values("x-request-id").first) ?? randomness.uuid().lowerCaseText
        let caller = headers.values("traceparent").first
        let span = tracer?.begin(request.method.rawValue, .server, below: caller, at: received)
        let trace = span?.context.trace ?? TraceContext(continuing: caller, randomness: randomness)
        let share = bodies.share()
        defer { share.end() }
        let body = RequestBodyReader(
            body: request.body, head: request.head, channel: context.channel, deadline: bodyDeadline, share: share, clock: clock)
        var endpoint: Endpoint?
        var reply: Reply
        var rest: Rest?
        do {
            // Once the channel is closed, `closing` has forgotten it.
            guard context.channel.isActive, !closing.contains(context.channel) else { throw Refusal.badRequest("The connection is closing.").closing }
            try Self.checkForm(request)
            if let kept = kept(request, body, received) {
                metrics.recordKept()
                (endpoint, reply) = (kept.endpoint, kept.reply)
            } else if let page = try await pages.reply(method: request.method.rawValue, path: request.uri.path) {
                reply = page
            } else {
                guard admission.enter() else {
                    metrics.recordTurnedAway()
                    throw Refusal.unavailable("Too many requests are under way. Nothing was done.")
                }
                defer { admission.leave() }
                let client = Client(address: clientAddress.of(peer: context.channel.remoteAddress?.ipAddress, headers), headers)
                reply = try await answer(request, body, from: client, received, trace, id, &endpoint, &rest)
            }
        } catch {
            let refusal = refusal(error, id)
            let limit = gate.maximumBodyBytes
            reply = (body.mayLinger(limit: limit) ? refusal.closing : refusal).reply
        }
        if endpoint?.isCacheable == true, reply.status == 200, reply.headers["cache-control"] == nil { reply.headers["cache-control"] = answers.control }
        if reply.headers["connection"] == "close" { closing.add(context.channel) }
        reply = ProblemInstance.complete(reply, path: request.uri.path)
        if reply.status == 200, isRead(request), let tag = reply.headers["etag"], EntityTag.matches(headers.values("if-none-match"), tag) {
            reply.status = 304
            reply.body = []
            reply.headers["content-type"] = nil
        }
        metrics.record(endpoint?.operationID, status: reply.status, seconds: clock.now().timeIntervalSince(received))
        log(reply, to: request, of: endpoint, id, trace)
        if let span, span.isRecording { end(span, reply, to: request, of: endpoint, id) }
        let response = Self.response(crossOrigin.complete(reply, to: headers, method: request.method), id: id, trace: trace, rest: rest)
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// Requests that begin or change an order are logged at info, under the order's own address; all others at debug.
    private func log(_ reply: Reply, to request: Hummingbird.Request, of endpoint: Endpoint?, _ id: String, _ trace: TraceContext) {
        let isDurable = endpoint?.kind == .durable
        guard logger.logLevel <= (isDurable ? .info : .debug) else { return }
        var metadata: Logger.Metadata = [
            LogKey.operation: "\(endpoint?.operationID ?? "none")", LogKey.status: "\(reply.status)", LogKey.requestID: "\(id)",
            LogKey.traceparent: "\(trace.header)",
        ]
        // Other paths may contain a secret: a guest's cart is known by its id, and links in mails by their token.
        if isDurable { metadata[LogKey.path] = "\(request.uri.path)" }
        let location = reply.headers["location"].map { String($0.prefix { $0 != "?" }) }
        if let location { metadata[LogKey.location] = "\(location)" }
        if let order = Self.order(location) ?? (isDurable ? Self.order(request.uri.path) : nil) { metadata[LogKey.order] = "\(order)" }
        logger.log(level: isDurable ? .info : .debug, "answered", metadata: metadata)
    }

    /// The id of the order in a path, if it has one.
    private static func order(_ path: String?) -> String? {
        let prefix = "/v1/orders/"
        guard let path, path.hasPrefix(prefix) else { return nil }
        return UUID(text: String(path.dropFirst(prefix.count).prefix { $0 != "/" }))?.lowerCaseText
    }

    /// A body that follows in parts is not included.
    private func end(_ span: RecordedSpan, _ reply: Reply, to request: Hummingbird.Request, of endpoint: Endpoint?, _ id: String) {
        var attributes = SpanAttributes()
        attributes["http.request.method"] = request.method.rawValue
        attributes["http.response.status_code"] = reply.status
        attributes["wharf.request.id"] = id
        // The path itself may contain a secret.
        if let endpoint {
            span.operationName = "\(request.method.rawValue) \(endpoint.path)"
            attributes["http.route"] = endpoint.path
            attributes["wharf.operation"] = endpoint.operationID
        }
        span.attributes = attributes
        if reply.status >= 500 { span.setStatus(SpanStatus(code: .error)) }
        tracer?.end(span)
    }

    /// Rejects what HTTP forbids and the parser accepts.
    private static func checkForm(_ request: Hummingbird.Request) throws(Refusal) {
        // The parser moves the first of two into the authority, and leaves only the others among the headers.
        guard request.headers.values("host").isEmpty else { throw Refusal.badHeader("Host", "is given more than once").closing }
        guard request.head.authority != nil else { throw Refusal.badHeader("Host", "is required in HTTP/1.1").closing }
        // A recipient that unpacks the content of the chunks would read a different body.
        guard request.headers.values("transfer-encoding").allSatisfy({ $0.lowercased() == "chunked" }) else {
            throw Refusal.badHeader("Transfer-Encoding", "only chunked is accepted").closing
        }
        // Nothing that follows on the connection is read as a request any more.
        guard request.method != .connect else { throw Refusal.methodNotAllowed("CONNECT", allowed: []).closing }
    }

    private func isRead(_ request: Hummingbird.Request) -> Bool { request.method == .get || request.method == .head }

    private func answer(
        _ request: Hummingbird.Request, _ body: RequestBodyReader, from client: Client, _ received: Date, _ trace: TraceContext,
        _ id: String, _ endpoint: inout Endpoint?, _ rest: inout Rest?
    ) async throws -> Reply {
        let passage: Gate.Passage
        do throws(Refusal) {
            passage = try gate.route(method: request.method.rawValue, path: request.uri.path, query: request.uri.query)
        } catch {
            if request.method == .options, let allowed = error.headers["allow"] {
                return Reply(status: 204, headers: ["allow": allowed])
            }
            throw error
        }
        endpoint = passage.endpoint
        let session = try await dispatcher.answering(
            MessageName.resolveSession, of: id, within: SessionResolver.deadline, isRetryable: true
        ) {
            try await gate.authenticate(passage, request.headers, client, trace)
        }
        let call = try await gate.call(
            passage, request.headers, session: session, body: body, client: client, received: received, trace: trace, requestID: id)
        var reply = try await answer(to: call, request, body, at: received)
        if passage.endpoint.isPaged, let next = reply.headers.removeValue(forKey: Reply.nextPage), request.method != .head {
            guard let seat = Seat(in: downloads) else { throw Refusal.unavailable("Too many exports are under way. Nothing was done.") }
            rest = PagedAnswer(call: call, next: next, dispatcher: dispatcher, clock: clock, seat: seat).body
        }
        if let operation = passage.endpoint.streamOperation, let next = reply.headers.removeValue(forKey: Reply.nextPage), request.method != .head {
            guard let seat = Seat(in: listeners) else { throw Refusal.unavailable("Too many clients listen to changes. Nothing was done.") }
            let topic = ChangeWatch.Topic(operation: operation, id: passage.pathParameters["id"] ?? "")
            rest = EventStream(call: call, next: next, topic: topic, watch: watch, dispatcher: dispatcher, clock: clock, seat: seat).body
        }
        if call.endpoint.kind != .query, reply.status < 300 { answers.forget(service: call.endpoint.service) }
        if reply.isReplayed { reply.headers["idempotent-replayed"] = "true" }
        if !call.endpoint.isCacheable || call.session != nil { reply.headers["cache-control"] = "no-store" }
        return reply
    }

    private func answer(to call: Call, _ request: Hummingbird.Request, _ body: RequestBodyReader, at received: Date) async throws -> Reply {
        if call.endpoint.uploadOperation != nil { return try await uploads.reply(to: call, body, request.headers) }
        guard call.isForEveryGuest, mayUseKept(request) else { return try await dispatcher.reply(to: call) }
        return try await answers.reply(to: request.target, of: call.endpoint, at: received) { try await dispatcher.reply(to: call) }
    }

    /// A guest's read that needs no asking.
    private func kept(_ request: Hummingbird.Request, _ body: RequestBodyReader, _ now: Date) -> AnswerCache.Kept? {
        guard isRead(request), !body.isPresent, request.headers[.authorization] == nil, mayUseKept(request) else { return nil }
        return answers.kept(request.target, at: now)
    }

    /// Whether the client does not insist on what is true now.
    private func mayUseKept(_ request: Hummingbird.Request) -> Bool {
        guard let wish = request.headers[.cacheControl] else { return true }
        return !wish.lowercased().contains("no-cache")
    }

    private func refusal(_ error: any Error, _ id: String) -> Refusal {
        switch error {
        case let refusal as Refusal: return refusal
        case let problem as Problem: return Refusal(problem: problem)
        default:
            logger.error("unexpected error", metadata: [LogKey.requestID: "\(id)", LogKey.error: "\(error)"])
            return Refusal(problem: .internalError("Something unexpected happened; it was recorded as \(id)."))
        }
    }

    static func response(_ reply: Reply, id: String, trace: TraceContext, rest: Rest? = nil) -> Response {
        var fields = HTTPFields()
        if !reply.body.isEmpty || reply.headers["content-type"] != nil { fields[.contentType] = reply.headers["content-type"] ?? "application/json" }
        for (name, value) in reply.headers where !ownHeaders.contains(name) && name != "content-type" {
            if let name = FieldName.of(name) { fields[name] = value }
        }
        fields[.xContentTypeOptions] = "nosniff"
        if let name = FieldName.of("x-request-id") { fields[name] = id }
        if let name = FieldName.of("traceparent") { fields[name] = trace.header }
        if let rest { return Response(status: .init(code: reply.status), headers: fields, body: rest(reply.body)) }
        let body = reply.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body))
        return Response(status: .init(code: reply.status), headers: fields, body: body)
    }
}

extension Hummingbird.Request {
    /// Path and query, as they came.
    fileprivate var target: String { uri.string }
}
