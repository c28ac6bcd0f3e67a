import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Ends a connection after a response that says `Connection: close` in a way that lets the client read that response: our side is closed first,
/// and further input is discarded for a while. Closing at once would reset the connection under a client that is still sending.
///
/// Also gives the answer to input that is not HTTP, which has no body otherwise, the form of all errors; and ends connections whose clients exceed its timeouts.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a client may go on sending after its answer.
    static let lingering: TimeAmount = .seconds(2)
    /// Read from a connection at once, and kept as its buffer for as long as it lives. NIO's own bound is 256 KiB, of which 10,000 connections make 2.5 GiB.
    static let maximumReadBytes = 16_384

    /// What the client is sending.
    private enum Phase {
        case nothing, head, body
    }

    private let timeouts: ConnectionTimeouts
    private let malformed: @Sendable () -> (head: HTTPResponse, body: [UInt8])
    private var phase = Phase.nothing
    /// Whether the bytes being read have produced any part of a request.
    private var hasPart = false
    /// Of the phase.
    private var arrival = Countdown()
    /// Of the answers on their way.
    private var departure = Countdown()
    private var answersUnderWay = 0
    /// Whether a request has begun and not ended.
    private var isReading = false
    /// Whether its body is, or may be, one that needs more time than others.
    private var isUpload = false
    private var isClosing = false
    /// Whether the answer that closes the connection is on its way.
    private var hasSaidLast = false
    private var isLingering = false
    private var end = Countdown()

    /// `malformed` makes the answer to input that is not HTTP.
    init(timeouts: ConnectionTimeouts, malformed: @escaping @Sendable () -> (head: HTTPResponse, body: [UInt8])) {
        self.timeouts = timeouts
        self.malformed = malformed
    }

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            try Self.boundReads(of: context.channel)
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(ArrivalHandler(self), position: .first)
            try pipeline.addHandler(OldRequestHost(), position: .before(pipeline.handler(type: HTTP1ToHTTPServerCodec.self)))
            enter(.head, context)
        } catch {
            // Otherwise nothing would bound the client's time.
            context.close(promise: nil)
        }
    }

    private static func boundReads(of channel: any Channel) throws {
        let options = channel.syncOptions
        try options?.setOption(.maxMessagesPerRead, value: 1)
        try options?.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 2_048, maximum: maximumReadBytes))
    }

    func willRead() { hasPart = false }

    /// The bytes have passed the decoder. A request that arrived whole has changed no state here, so it costs no timer.
    func hasRead(_ context: ChannelHandlerContext) {
        enter(isReading ? .body : hasPart ? .nothing : .head, context)
    }

    private func enter(_ next: Phase, _ context: ChannelHandlerContext) {
        guard next != phase else { return }
        phase = next
        switch next {
        case .nothing: arrival.stop()
        case .head: arrival.start(timeouts.head, closing: context)
        case .body: arrival.start(isUpload ? timeouts.upload : timeouts.body, closing: context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasPart = true
        switch unwrapInboundIn(data) {
        case .head(let head):
            isReading = true
            isUpload = head.headerFields[.transferEncoding] != nil || (head.headerFields[.contentLength].flatMap { Int($0) } ?? 0) > timeouts.usualBytes
        case .body: break
        case .end: isReading = false
        }
        guard isLingering else { return context.fireChannelRead(data) }
        if !isReading { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // The handlers behind this one have stopped reading.
        if isLingering { context.read() }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end.stop()
        arrival.stop()
        departure.stop()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // Answers to anything received behind the last request.
        guard !hasSaidLast else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection]?.lowercased() == "close" { isClosing = true }
            guard head.status == .badRequest, head.headerFields[.contentLength] == "0" else {
                return context.write(data, promise: promise)
            }
            let answer = malformed()
            context.write(wrapOutboundOut(.head(answer.head)), promise: promise)
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        case .end:
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.cascade(to: promise)
            answersUnderWay += 1
            hasSaidLast = isClosing
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in
                let (handler, context) = bound.value
                handler.hasAnswered(context)
            }
            context.write(data, promise: written)
            if isClosing { flush(context: context) }
        case .body:
            context.write(data, promise: promise)
        }
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        watchDeparture(context)
    }

    private func watchDeparture(_ context: ChannelHandlerContext) {
        // Most answers have been handed to the operating system by now. A body that has not been keeps its writer from writing the end.
        guard answersUnderWay > 0 || !context.channel.isWritable, context.channel.isActive, !departure.isRunning else { return }
        departure.start(timeouts.response, closing: context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // The client takes a long answer, part by part, and has time for each.
        if context.channel.isWritable, answersUnderWay == 0 { departure.stop() }
        context.fireChannelWritabilityChanged()
    }

    private func hasAnswered(_ context: ChannelHandlerContext) {
        answersUnderWay -= 1
        // The next answer has a new time limit.
        departure.stop()
        watchDeparture(context)
        if isClosing { close(context) }
    }

    private func close(_ context: ChannelHandlerContext) {
        guard isReading else { return context.close(promise: nil) }
        isLingering = true
        context.close(mode: .output, promise: nil)
        end.start(Self.lingering, closing: context)
        context.read()
    }
}
