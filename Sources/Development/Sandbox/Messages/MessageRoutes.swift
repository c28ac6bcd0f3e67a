import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON
import Secrets

/// SendGrid's and Twilio's calls for one mail and one text message, and the operator's view of the messages that they accepted.
struct MessageRoutes: Sendable {
    let book: MessageBook
    let callbacks: StatusCallbacks
    /// SendGrid's key, and Twilio's token.
    let key: [UInt8]
    let operators: APIKeyMiddleware
    let now: @Sendable () -> Date

    func add(to router: Router<SandboxContext>) {
        router.post("v3/mail/send") { request, context in
            let form = SendGridAnswer.self
            guard isAuthorized(request, \.bearer) else { return form.unauthorized }
            let body = try await request.bodyBytes()
            return await perform(context, failing: form.failure) { form.take(body, at: now()) }
        }
        router.post("2010-04-01/Accounts/:account/Messages.json") { request, context in
            let form = TwilioAnswer.self
            let account = try context.parameters.require("account")
            guard isAuthorized(request, \.password), Credentials(request)?.user == account else { return form.unauthorized }
            let fields = try await request.formBody()
            return await perform(context, failing: form.failure) {
                let (response, message) = form.take(fields, account: account, at: now())
                if let message, let url = fields.entries.last(where: { $0.name == "StatusCallback" })?.value { callbacks.follow(message, to: url) }
                return (response, message)
            }
        }
        addOperators(to: router.group("_messages").add(middleware: operators))
    }

    private func addOperators(to router: RouterGroup<SandboxContext>) {
        router.get { _, _ in
            Response(json: JSONWriter.object { $0.field("messages") { $0.array(book.all) { $1.write(to: &$0) } } })
        }
        router.delete { _, _ in
            book.clear()
            return Response(status: .noContent)
        }
        // A customer's reply to a text message: {"from": "+49…", "text": "STOP"}.
        router.post("replies") { request, context in
            guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(try await request.bodyBytes())) else { return Response(status: .badRequest) }
            return Response(status: callbacks.reply(reply.text, from: reply.from) ? .accepted : .conflict)
        }
        book.faults.add(to: router, at: "faults")
    }

    /// Takes the message and answers, with a fault before or after that, if one is due: afterwards the vendor has it, and the sender does not know.
    private func perform(
        _ context: SandboxContext, failing failure: (HTTPResponse.Status) -> Response, _ take: () -> (Response, RecordedMessage?)
    ) async -> Response {
        let plan = book.faults.planRequest()
        if plan.latency > .zero { try? await Task.sleep(for: plan.latency) }
        switch plan.before {
        case .drop: return await context.drop()
        case .rateLimit, .conflict: return failure(.tooManyRequests)
        case .serverError: return failure(.internalServerError)
        case nil: break
        }
        let (response, message) = take()
        if let message { book.record(message) }
        switch plan.after {
        case .drop: return await context.drop()
        case .serverError: return failure(.internalServerError)
        case nil: return response
        }
    }

    private func isAuthorized(_ request: Request, _ secret: KeyPath<Credentials, [UInt8]?>) -> Bool {
        guard let given = Credentials(request)?[keyPath: secret] else { return false }
        return constantTimeEquals(given, key)
    }

    private struct Reply: Decodable {
        let from, text: String
    }

    private struct Credentials {
        private(set) var bearer: [UInt8]?
        private(set) var user: String?
        private(set) var password: [UInt8]?

        init?(_ request: Request) {
            let parts = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
            guard let scheme = parts.first?.lowercased(), let value = parts.dropFirst().first else { return nil }
            switch scheme {
            case "bearer": bearer = Array(value.utf8)
            case "basic":
                guard let decoded = Data(base64Encoded: String(value)), let colon = decoded.firstIndex(of: UInt8(ascii: ":")) else { return nil }
                user = String(decoding: decoded[..<colon], as: UTF8.self)
                password = Array(decoded[decoded.index(after: colon)...])
            default: return nil
            }
        }
    }
}
