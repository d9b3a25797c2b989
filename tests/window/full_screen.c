/* Grants full screen on a display without a window manager, as one would: what a window asks the root for in _NET_WM_STATE is
   written to its properties, and it takes the place and size that it is to have. */
#include <X11/Xatom.h>
#include <X11/Xlib.h>

static int passed_over(Display *display, XErrorEvent *error) { return 0; }

int main(void) {
  Display *display = XOpenDisplay(NULL);
  if (!display) return 1;
  /* A window may be gone before it is answered. */
  XSetErrorHandler(passed_over);
  int screen = DefaultScreen(display);
  Atom state = XInternAtom(display, "_NET_WM_STATE", False);
  Atom full = XInternAtom(display, "_NET_WM_STATE_FULLSCREEN", False);
  XWindowAttributes before = {.width = 0};
  XSelectInput(display, RootWindow(display, screen), SubstructureNotifyMask);
  for (;;) {
    XEvent event;
    XNextEvent(display, &event);
    XClientMessageEvent asked = event.xclient;
    if (event.type != ClientMessage || asked.message_type != state) continue;
    if ((Atom)asked.data.l[1] != full && (Atom)asked.data.l[2] != full) continue;
    int wanted = asked.data.l[0] == 1;
    XChangeProperty(display, asked.window, state, XA_ATOM, 32, PropModeReplace, (unsigned char *)&full, wanted);
    if (wanted) {
      XGetWindowAttributes(display, asked.window, &before);
      XMoveResizeWindow(display, asked.window, 0, 0, DisplayWidth(display, screen), DisplayHeight(display, screen));
    } else if (before.width > 0) {
      XMoveResizeWindow(display, asked.window, before.x, before.y, before.width, before.height);
    }
  }
}
