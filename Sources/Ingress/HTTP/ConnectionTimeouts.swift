import Messaging
import NIOCore

/// How long a client may take over one request. A slower client loses the connection, silent or not: one byte now and then would
/// otherwise hold it indefinitely.
struct ConnectionTimeouts {
    /// From the first byte, or from connecting, to the end of the headers.
    let head: TimeAmount
    /// From the end of the headers to the end of the body, whether or not it is being read.
    let body: TimeAmount
    /// The same for a body that is longer than `usualBytes`, or in chunks.
    let upload: TimeAmount
    let usualBytes: Int
    /// From the answer to its last byte being taken by the client's system.
    let response: TimeAmount
}

/// A time limit on one activity at a time, on the event loop of a connection.
struct Countdown {
    private var scheduled: Scheduled<Void>?

    mutating func start(_ limit: TimeAmount, closing context: ChannelHandlerContext) {
        stop()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        scheduled = context.eventLoop.scheduleTask(in: limit) { bound.value.close(promise: nil) }
    }

    mutating func stop() {
        scheduled?.cancel()
        scheduled = nil
    }

    var isRunning: Bool { scheduled != nil }
}
