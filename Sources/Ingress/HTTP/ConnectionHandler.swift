import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends a connection after a response that says `Connection: close`, in a way that lets the client read that response: our side is closed first,
/// and what still comes is dropped for a while. Closing at once would reset the connection under a client that is still sending.
///
/// Also gives the answer to what is not HTTP, which has no body otherwise, the form of all errors.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a client may go on sending after its answer.
    static let lingering: TimeAmount = .seconds(2)

    private let malformed: @Sendable () -> (head: HTTPResponse, body: [UInt8])
    /// Whether a request has begun and not ended.
    private var isReading = false
    private var isClosing = false
    private var isLingering = false
    private var end: Scheduled<Void>?

    /// `malformed` makes the answer to what is not HTTP.
    init(malformed: @escaping @Sendable () -> (head: HTTPResponse, body: [UInt8])) {
        self.malformed = malformed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isReading = true
        case .body: break
        case .end: isReading = false
        }
        guard isLingering else { return context.fireChannelRead(data) }
        if !isReading { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Nobody behind this handler reads any longer.
        if isLingering { context.read() }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection]?.lowercased() == "close" { isClosing = true }
            guard head.status == .badRequest, head.headerFields[.contentLength] == "0" else {
                return context.write(data, promise: promise)
            }
            let answer = malformed()
            context.write(wrapOutboundOut(.head(answer.head)), promise: promise)
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        case .end where isClosing:
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.cascade(to: promise)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in
                let (handler, context) = bound.value
                handler.close(context)
            }
            context.writeAndFlush(data, promise: written)
        default:
            context.write(data, promise: promise)
        }
    }

    private func close(_ context: ChannelHandlerContext) {
        guard isReading else { return context.close(promise: nil) }
        isLingering = true
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        end = context.eventLoop.scheduleTask(in: Self.lingering) { bound.value.close(promise: nil) }
        context.read()
    }
}
