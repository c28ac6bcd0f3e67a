import NIOCore

/// First in the pipeline, where bytes arrive: lets the ``ConnectionHandler`` see bytes that do not form a request yet.
final class ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ConnectionHandler

    init(_ connection: ConnectionHandler) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.willRead()
        context.fireChannelRead(data)
        connection.hasRead(context)
    }
}
