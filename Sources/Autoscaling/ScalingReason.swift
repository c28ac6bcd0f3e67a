import Terminal

/// The reason why a pool is changed or left unchanged.
package enum ScalingReason: Sendable, Equatable, CustomStringConvertible {
    /// The pool had fewer workers than its minimum, or more than its maximum.
    case bounds(ClosedRange<Int>)
    /// The broker has no statistics for some of the pool's queues.
    case noFigures
    /// The pool's last change has not taken effect yet.
    case settling
    /// Messages would wait too long.
    case waiting(queue: String, messages: Int, seconds: Double)
    /// There are too many messages per worker.
    case depth(queue: String, messages: Int)
    /// The pool needs more workers than its maximum.
    case full(needed: Int)
    /// With one worker fewer the queue would be too busy.
    case busy(queue: String)
    /// One worker fewer has been enough for this long.
    case calm(Duration)
    /// One worker fewer would be enough, but has not been for long enough yet.
    case calming(Duration)
    case minimum

    package var description: String {
        switch self {
        case .bounds(let bounds): "its bounds are \(bounds.lowerBound) to \(bounds.upperBound)"
        case .noFigures: "the broker has no statistics for it"
        case .settling: "its last change has not taken effect yet"
        case .waiting(let queue, let messages, let seconds): "\(messages) messages in \(queue) would take \(seconds.tenths) s at the current rate"
        case .depth(let queue, let messages): "\(messages) messages in \(queue)"
        case .full(let needed): "at its maximum, though \(needed) are needed"
        case .busy(let queue): "\(queue) needs them"
        case .calm(let duration): "one fewer has been enough for \(duration.inSeconds)"
        case .calming(let duration): "one fewer has been enough for \(duration.inSeconds) so far"
        case .minimum: "at its minimum"
        }
    }
}
