import Hummingbird
import NIOCore

/// A request's context: in addition to the usual, its connection, so that a fault can cut it.
struct SandboxContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// Closes the connection without an answer. The response that this returns is not sent.
    func drop() async -> Response {
        // A connection that the client has closed already is dropped just as well.
        try? await channel.close().get()
        return Response(status: .internalServerError)
    }
}
