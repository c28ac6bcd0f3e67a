import NIOCore
import NIOHTTP1

/// HTTP/1.0 has no `Host`, and the handlers behind this one do not distinguish versions: an empty one is put in its place, so that a request without one is
/// malformed from here on (RFC 9112, 3.2).
final class OldRequestHost: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.version == .http1_0, !head.headers.contains(name: "host") else {
            return context.fireChannelRead(data)
        }
        head.headers.add(name: "Host", value: "")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
