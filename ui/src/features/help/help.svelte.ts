/** What the help screen is to show when it comes. */
class Help {
  /** Set to be brought to what Hilum is made of. */
  about = $state(false);
}

export const help = new Help();
