import Contracts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Ingress
import Logging
import Messaging
import NIOCore
import Operator
import Runtime
import Secrets
import Traces
import WebClient

/// Answers requests to the console: pages for signed-in administrators, the sign-in form for everyone else.
struct ConsoleResponder: HTTPResponder {
    typealias Context = IngressContext

    let requests: any Requesting
    let broker: BrokerView?
    let serviceNames: [String]
    let admission: ConcurrencyLimit
    let clientAddress: ClientAddress
    let formDeadline: Duration
    let clock: any WallClock
    let randomness: any Randomness
    let logger: Logger

    private static let methods: [HTTPRequest.Method] = [.get, .head, .post]

    func respond(to request: Hummingbird.Request, context: IngressContext) async throws -> Response {
        var answer: Answer
        if let asset = Assets.answer(to: request) {
            answer = asset
        } else if admission.enter() {
            defer { admission.leave() }
            answer = await self.answer(request, context)
        } else {
            answer = .text(503, "Too many requests are in progress.\n")
        }
        SecurityHeaders.add(to: &answer.headers)
        let response = Response(status: .init(code: min(max(answer.status, 200), 599)), headers: answer.headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Hummingbird.Request, _ context: IngressContext) async -> Answer {
        guard Self.methods.contains(request.method) else { return .methodNotAllowed(Self.methods) }
        let peer = context.channel.remoteAddress?.ipAddress
        let connection = Connection(
            client: Client(address: clientAddress.of(peer: peer, request.headers), request.headers),
            isEncrypted: clientAddress.isEncrypted(peer: peer, request.headers), trace: TraceContext(continuing: nil, randomness: randomness))
        if request.uri.path == "/" { return .redirect(Link.root) }
        guard let path = Self.segments(request.uri.path) else { return notFound(nil) }
        var form: Form?
        if request.method == .post {
            guard Origin.isOwn(request.head) else { return forbidden("The form was not sent by a page of this console.") }
            form = await Form.read(request, within: formDeadline, clock: clock)
            guard form != nil else { return .text(400, "This is not a form, or it is too large or too slow.\n") }
        }
        if path == ["sign-in"] { return await signIn(request, form, connection) }
        return await page(request, path, form, connection)
    }

    struct Connection: Sendable {
        let client: Client
        /// True if the browser's connection is encrypted.
        let isEncrypted: Bool
        let trace: TraceContext
    }

    /// The decoded segments below the root; nil for a path outside it.
    private static func segments(_ path: String) -> [String]? {
        guard path == Link.root || path.hasPrefix(Link.root + "/") else { return nil }
        let parts = path.dropFirst(Link.root.count).split(separator: "/").map { PercentEncoding.decode($0) }
        return parts.contains(nil) ? nil : parts.compactMap(\.self)
    }

    // MARK: Pages

    private func page(_ request: Hummingbird.Request, _ path: [String], _ form: Form?, _ connection: Connection) async -> Answer {
        guard let token = Cookie.session.value(request.headers, isEncrypted: connection.isEncrypted) else { return toSignIn(request, connection) }
        let person: Caller?
        let hash = SHA256.hex(token)
        do {
            person = try await SessionQuery(requests: requests, randomness: randomness).caller(hash, of: connection.client, trace: connection.trace)
        } catch {
            return trouble(error, context(token: token, person: nil), nil, isChange: form != nil)
        }
        // The current role, not that at the sign-in.
        guard let person, person.role == .admin else { return toSignIn(request, connection) }
        // A link from elsewhere must not claim that something was changed.
        let notice = Origin.mayBeOwn(request.head) ? Self.query(request)[Notice.field].flatMap(Notice.init) : nil
        let context = context(token: token, person: person.email ?? person.id.lowerCaseText, notice: notice)
        if let form, !context.token.matches(form[FormToken.field]) {
            return forbidden("The form is from another session. Go back, load the page again, and repeat the change.", context)
        }
        if path == ["sign-out"], form != nil { return await signOut(hash, person, connection, context) }
        let method: Route.Method = form == nil ? .get : .post
        guard let (route, names) = Route.all.lazy.compactMap({ route in route.method == method ? route.match(path).map { (route, $0) } : nil }).first else {
            return notFound(context)
        }
        let services = Services(requests: requests, caller: person, randomness: randomness, trace: connection.trace, formID: form?["request"])
        let visit = Visit(path: names, query: Self.query(request), form: form ?? Form(), person: person, services: services, serviceNames: serviceNames, broker: broker, page: context)
        do {
            if form != nil { logger.info("a form was sent", metadata: ["path": "\(request.uri.path)", "actor": "\(person.auditName)"]) }
            switch try await route.handle(visit) {
            case .page(let page): return .page(page, context)
            case .redirect(let path): return .redirect(path)
            }
        } catch {
            return trouble(error, context, route.section, isChange: form != nil)
        }
    }

    private static func query(_ request: Hummingbird.Request) -> Form { Form(encoded: Array((request.uri.query ?? "").utf8)) ?? Form() }

    private func context(token: String, person: String?, notice: Notice? = nil) -> PageContext {
        PageContext(now: clock.now(), person: person, token: FormToken(of: token), requestID: randomness.uuid().lowerCaseText, notice: notice)
    }

    private func trouble(_ error: any Error, _ context: PageContext, _ section: Section?, isChange: Bool) -> Answer {
        let trouble = Trouble(error)
        if trouble.status >= 500 { logger.warning("a page could not be shown", metadata: ["error": "\(error)"]) }
        return .page(trouble.page(section, isChange: isChange), context)
    }

    private func notFound(_ context: PageContext?) -> Answer {
        guard let context else { return .text(404, "There is nothing at this path.\n") }
        return .page(Page(status: 404, title: "Not found", section: nil, content: "<h1>Not found</h1><p>There is nothing at this path.</p>"), context)
    }

    private func forbidden(_ text: String, _ context: PageContext? = nil) -> Answer {
        guard let context else { return .text(403, text + "\n") }
        return .page(Page(status: 403, title: "Refused", section: nil, content: "<h1>Refused</h1>\(Part.note("<p>\(text)</p>", .bad))"), context)
    }

    // MARK: Sessions

    private func toSignIn(_ request: Hummingbird.Request, _ connection: Connection) -> Answer {
        // After the sign-in, the requested page is shown. A form that was sent is lost with its session.
        let next = request.method == .get ? Link.returning(request.uri.string) : nil
        var answer = Answer.redirect(Link.to("sign-in", query: ["next": next == Link.root ? nil : next]))
        // Browsers omit the cookie when a form on another site sends the request. That session must stay open.
        if Cookie.session.value(request.headers, isEncrypted: connection.isEncrypted) != nil {
            answer.headers[values: .setCookie].append(Cookie.session.removal(isEncrypted: connection.isEncrypted))
        }
        return answer
    }

    private func signIn(_ request: Hummingbird.Request, _ form: Form?, _ connection: Connection) async -> Answer {
        let known = Cookie.visitor.value(request.headers, isEncrypted: connection.isEncrypted)
        let visitor = known ?? SecureRandom.token()
        let context = context(token: visitor, person: nil)
        func show(_ page: SignInPage) -> Answer {
            var answer = Answer.page(page.page(context), context)
            if known == nil { answer.headers[values: .setCookie].append(Cookie.visitor.setting(visitor, isEncrypted: connection.isEncrypted)) }
            return answer
        }
        guard let form else { return show(SignInPage(next: Link.returning(Self.query(request)["next"]))) }
        let (email, next) = (form["email"], Link.returning(form["next"]))
        guard known != nil, context.token.matches(form[FormToken.field]) else {
            return show(SignInPage(email: email, problem: "The form has expired. Sign in again.", next: next, status: 403))
        }
        do {
            let sign = SignIn(requests: requests, randomness: randomness)
            switch try await sign.open(email: email ?? "", password: form.whole("password") ?? "", of: connection.client, connection.trace) {
            case .refused(let status, let problem): return show(SignInPage(email: email, problem: problem, next: next, status: status))
            case .opened(let token):
                var answer = Answer.redirect(next ?? Link.root)
                answer.headers[values: .setCookie] = [
                    Cookie.session.setting(token, isEncrypted: connection.isEncrypted), Cookie.visitor.removal(isEncrypted: connection.isEncrypted),
                ]
                return answer
            }
        } catch {
            return show(SignInPage(email: email, problem: "Signing in is not possible at the moment: the shop does not answer.", next: next, status: 503))
        }
    }

    private func signOut(_ hash: String, _ person: Caller, _ connection: Connection, _ context: PageContext) async -> Answer {
        do {
            try await SignIn(requests: requests, randomness: randomness).end(hash, of: person, connection.trace)
        } catch {
            // The session still exists: reporting its end would leave it open on a shared computer.
            return trouble(error, context, nil, isChange: true)
        }
        var answer = Answer.redirect(Link.signIn)
        answer.headers[values: .setCookie].append(Cookie.session.removal(isEncrypted: connection.isEncrypted))
        return answer
    }
}
